/* config_changes.h: what is different about a configuration that takes the place of another, as
 * lists of names for the log. */
#ifndef MAIN_CONFIG_CHANGES_H
#define MAIN_CONFIG_CHANGES_H

#include "core/app.h"
#include "main/config.h"

/* "a b c", cut with "…" behind what a line of the log has room for. */
struct config_names {
	struct buf text;
	size_t n; /* all of them */
	bool is_cut;
};

struct config_changes {
	struct config_names apps_added, apps_changed, apps_removed; /* by id */
	struct config_names keys;
	/* Differ from the start and have no effect before the next one. */
	struct config_names keys_for_restart;
};

void config_changes_init(struct config_changes *d);
void config_changes_fini(struct config_changes *d);
void config_changes_find_apps(struct config_changes *d, const struct app_table *now,
			      const struct app_table *next);
void config_changes_find_keys(struct config_changes *d, const struct config *started,
			      const struct config *now, const struct config *next);

/* Is the key read at the start alone? */
bool config_key_needs_restart(const struct config_key *k);

#endif
