/* ws_client.h: the client's side of a WebSocket, as far as a command needs it: no extensions,
 * one message at a time. */
#ifndef MAIN_WS_CLIENT_H
#define MAIN_WS_CLIENT_H

#include "codec/websocket.h"
#include "main/client.h"

struct ws_client {
	struct client *client;
	size_t n_taken;	       /* bytes at the front of client->in that were handed out */
	struct buf message;    /* pieces of a message that comes in several frames */
	enum ws_opcode opcode; /* of that message */
	bool is_partial;       /* its last frame has not come yet */
	char key[24];	       /* of the handshake */
};

void ws_client_init(struct ws_client *w, struct client *c);
void ws_client_fini(struct ws_client *w);
/* The opening handshake. False: *problem says why. */
bool ws_client_open(struct ws_client *w, const struct client_url *u, str target,
		    struct buf *problem);
/* The same in steps, for who wants to see the answer himself: the request with further header lines
 * (each with its CRLF); whether a head is the right answer to it; where the frames begin. */
bool ws_client_ask(struct ws_client *w, const struct client_url *u, str target, str lines);
bool ws_client_is_accepted(const struct ws_client *w, str head);
void ws_client_begin(struct ws_client *w, size_t head_bytes);
/* Waits for a message. OK: *out holds it until the next call; pings were answered and are not
 * handed out. ERR_AGAIN: none came within wait_ms; ERR_IO: the connection ended without a Close
 * frame; ERR_SYNTAX: what came is no WebSocket frame; ERR_LIMIT: larger than CLIENT_BYTES_MAX. */
err ws_client_read(struct ws_client *w, unsigned wait_ms, struct ws_message *out);
bool ws_client_send(struct ws_client *w, enum ws_opcode op, str payload);

#endif
