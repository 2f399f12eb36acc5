/* config_app_value.h: what stands behind the keys of an app, by their kinds. Problems are reported,
 * and leave the app as it was. */
#ifndef MAIN_CONFIG_APP_VALUE_H
#define MAIN_CONFIG_APP_VALUE_H

#include "main/app_key.h"
#include "main/config.h"

/* One app while it is read. */
struct app_reader {
	struct config *c;
	struct config_report *r;
	struct app *app;
	bool is_limit_set[N_APP_KEYS];
};

/* "expected …, got …" */
void app_value_expected(struct app_reader *ar, struct json v, str path, const char *expected);
void app_value_unknown(struct app_reader *ar, struct json key, str path);

/* True when *out was set. */
bool app_value_flag(struct app_reader *ar, struct json v, str path, bool *out);
/* 100 or "100", as the older schema has it. */
bool app_value_number(struct app_reader *ar, struct json v, str path, uint32_t floor,
		      uint32_t ceiling, uint32_t *out);

void app_value_rate(struct app_reader *ar, struct json v, str path);
void app_value_origins(struct app_reader *ar, struct json v, str path);
void app_value_idempotency(struct app_reader *ar, struct json v, str path);
void app_value_later(struct app_reader *ar, enum app_key_kind kind, struct json v, str path);
/* config_namespaces.c */
void app_value_namespaces(struct app_reader *ar, struct json v, str path);
/* config_webhooks.c */
void app_value_webhooks(struct app_reader *ar, struct json v, str path);

#endif
