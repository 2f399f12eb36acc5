/* pusher.h: the Pusher protocol (version 7, "V1") as text: client messages in, server frames out.
 *
 * Frames are built straight into a msg with the WebSocket header in front: one build per message,
 * shared by all receivers. The order of members is fixed (event, channel, data, user_id). "wire"
 * text is JSON that goes out exactly as given; everything else is escaped. */
#ifndef CODEC_PUSHER_H
#define CODEC_PUSHER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/msg.h"

#define PUSHER_DEPTH_MAX 64

/* Error and close codes of the protocol. */
enum pusher_code {
	PUSHER_GENERIC = 4000, /* as an error event only, never as a close code */
	PUSHER_NO_APP = 4001,
	PUSHER_APP_DISABLED = 4003,
	PUSHER_OVER_QUOTA = 4004,
	PUSHER_UNSUPPORTED_PROTOCOL = 4007,
	PUSHER_UNAUTHORIZED = 4009,
	PUSHER_OVER_CAPACITY = 4100,
	PUSHER_RECONNECT = 4200,
	PUSHER_NO_PONG = 4201,
	PUSHER_CHANNEL = 4300,
	PUSHER_CLIENT_EVENT = 4301,
};

struct pusher_message {
	str event;	  /* decoded */
	bool has_channel; /* a top-level "channel" that is a string */
	str channel;	  /* decoded */
	bool has_data;
	struct json data; /* as written */
};

/* Parses a client message. OK, or the text for error 4000 in *problem (a copy in a): not JSON, not
 * an object, no event name. Decoded strings live in the text or in a. Duplicate keys: the last one
 * wins; unknown keys are ignored. */
err pusher_parse(str text, struct arena *a, struct pusher_message *out, str *problem);

/* All return NULL when memory is short. channel with p == NULL: no "channel" member. */
/* {"event":E,"channel":C,"data":<data_wire>,"user_id":U}; user_id with p == NULL: none. */
struct msg *pusher_event_new(str event, str channel, str data_wire, str user_id);
/* The same with data as a JSON string made from plain text: internal events. */
struct msg *pusher_text_event_new(str event, str channel, str data_text);
struct msg *pusher_error_new(unsigned code, str message);
struct msg *pusher_established_new(str socket_id, uint32_t activity_timeout_s);

#endif
