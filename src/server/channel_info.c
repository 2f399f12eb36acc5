#include "server/channel_info.h"

#include "base/check.h"

uint32_t channel_info_parse(str list)
{
	static const struct {
		str name;
		uint32_t info;
	} table[] = {
		{ { "user_count", 10 }, INFO_USER_COUNT },
		{ { "subscription_count", 18 }, INFO_SUBSCRIPTION_COUNT },
		{ { "cache", 5 }, INFO_CACHE },
	};
	uint32_t info = 0;

	while (list.n > 0) {
		str name = str_trim(str_split(&list, ','));

		for (size_t i = 0; i < ARRAY_LEN(table); i++)
			info |= str_eq(name, table[i].name) ? table[i].info : 0;
	}
	return info;
}
