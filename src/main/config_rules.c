/* config_rules.c: what the original checks after reading, in two tables. Of two values that do not fit
 * the one that somebody set is blamed. */
#include "main/config_rules.h"

#include "base/check.h"

#include <stdio.h>

/* factor × low is at most (or is_strict: below) high. */
struct order_rule {
	str low;
	unsigned factor;
	str high;
	bool is_strict;
};

/* That switch needs the other one. */
struct need_rule {
	str key, needed;
};

#define KEY_NAME(literal)                                                                          \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}
#define BELOW(f, l, h)                                                                             \
	{                                                                                          \
		.low = KEY_NAME(l), .factor = (f), .high = KEY_NAME(h), .is_strict = true          \
	}
#define AT_MOST(f, l, h)                                                                           \
	{                                                                                          \
		.low = KEY_NAME(l), .factor = (f), .high = KEY_NAME(h)                             \
	}

static const struct order_rule order_rules[] = {
	AT_MOST(3, "adapter.cluster_health.heartbeat_interval_ms",
		"adapter.cluster_health.node_timeout_ms"),
	AT_MOST(1, "adapter.cluster_health.cleanup_interval_ms",
		"adapter.cluster_health.node_timeout_ms"),
	BELOW(1, "queue.reliability.lease_renew_interval_ms",
	      "queue.reliability.lease_duration_ms"),
	AT_MOST(1, "queue.reliability.retry_base_delay_ms", "queue.reliability.retry_max_delay_ms"),
	AT_MOST(1, "opentelemetry.batch_max_export_batch_size",
		"opentelemetry.batch_max_queue_size"),
	AT_MOST(1, "webhooks.retry.initial_backoff_ms", "webhooks.retry.max_backoff_ms"),
	AT_MOST(1, "push.retry.initial_backoff_ms", "push.retry.max_backoff_ms"),
	AT_MOST(1, "database_pooling.min", "database_pooling.max"),
	AT_MOST(1, "database.mysql.pool_min", "database.mysql.pool_max"),
	AT_MOST(1, "database.postgres.pool_min", "database.postgres.pool_max"),
	AT_MOST(1, "ai_transport.rollup.min_window_ms", "ai_transport.rollup.max_window_ms"),
	AT_MOST(1, "ai_transport.rollup.min_window_ms", "ai_transport.rollup.default_window_ms"),
	AT_MOST(1, "ai_transport.rollup.default_window_ms", "ai_transport.rollup.max_window_ms"),
};

static const struct need_rule need_rules[] = {
	{ KEY_NAME("annotations.enabled"), KEY_NAME("versioned_messages.enabled") },
};

static bool is_default(const struct config_setting *s)
{
	return s->from.source == CONFIG_DEFAULT;
}

static void report_order(const struct order_rule *rule, const struct config_setting *low,
			 const struct config_setting *high, struct config_report *r)
{
	unsigned long long l = low->value.number, h = high->value.number;
	char factor[32] = "";

	if (rule->factor > 1)
		snprintf(factor, sizeof(factor), "%u × ", rule->factor);
	if (is_default(low))
		config_error(r, high->from, rule->high, "%llu is %s %s%.*s, which is %llu", h,
			     rule->is_strict ? "not more than" : "less than", factor,
			     STR_ARG(rule->low), l);
	else
		config_error(r, low->from, rule->low, "%s%llu is %s %.*s, which is %llu", factor, l,
			     rule->is_strict ? "not less than" : "more than", STR_ARG(rule->high),
			     h);
}

static void check_order(const struct config *c, const struct order_rule *rule,
			struct config_report *r)
{
	const struct config_setting *low = config_setting(c, rule->low);
	const struct config_setting *high = config_setting(c, rule->high);

	if (low->value.number == CONFIG_NONE || high->value.number == CONFIG_NONE ||
	    (is_default(low) && is_default(high)))
		return;
	/* factor × low may be more than a number holds. */
	if (low->value.number >
	    (high->value.number - (rule->is_strict && high->value.number)) / rule->factor)
		report_order(rule, low, high, r);
}

static void check_need(const struct config *c, const struct need_rule *rule,
		       struct config_report *r)
{
	const struct config_setting *s = config_setting(c, rule->key);

	if (s->value.flag && !config_setting(c, rule->needed)->value.flag)
		config_error(r, s->from, rule->key, "needs %.*s as well", STR_ARG(rule->needed));
}

void config_rules_check(const struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < ARRAY_LEN(order_rules); i++)
		check_order(c, &order_rules[i], r);
	for (size_t i = 0; i < ARRAY_LEN(need_rules); i++)
		check_need(c, &need_rules[i], r);
}
