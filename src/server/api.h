/* api.h: the handlers of the HTTP API's routes. Each answers its call, at once or when the hub
 * has answered. */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "server/http.h"

/* api_publish.c */
void api_publish_event(const struct http_call *call);
void api_publish_batch(const struct http_call *call);

/* api_state.c */
void api_list_channels(const struct http_call *call);
void api_show_channel(const struct http_call *call);
void api_list_users(const struct http_call *call);

/* api_users.c */
void api_terminate_user(const struct http_call *call);
void api_reconnect_user(const struct http_call *call);

/* api_doctor.c */
void api_doctor(const struct http_call *call);

/* api_health.c */
void api_health(const struct http_call *call);
void api_health_of_app(const struct http_call *call);
void api_live(const struct http_call *call);
void api_ready(const struct http_call *call);
void api_accept_traffic(const struct http_call *call);

/* api_operator.c */
void api_usage(const struct http_call *call);
void api_stats(const struct http_call *call);
void api_metrics(const struct http_call *call);

#endif
