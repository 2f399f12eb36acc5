/* channel_info.h: the list of channel attributes that a back-end asks for
 * ("user_count,subscription_count"). */
#ifndef SERVER_CHANNEL_INFO_H
#define SERVER_CHANNEL_INFO_H

#include "base/str.h"
#include "core/mail.h"

/* enum channel_info bits. Names are compared exactly, blanks around them do not count, unknown
 * ones are skipped. */
uint32_t channel_info_parse(str list);

#endif
