/* reload.h: a server gets other settings while everybody goes on: other quotas, apps that come
 * and go, and APP_SMALL, which is now and then disabled or removed.
 *
 * A change takes effect somewhere between the act and server_is_reloading: until then whoever is
 * under way may meet what was or what will be. What each client and each request may meet is a set
 * of bits, which grows with every act until the world rests. */
#ifndef SIM_RELOAD_H
#define SIM_RELOAD_H

#include "world.h"

enum { MEETS_SERVICE = 1, MEETS_NO_APP = 2, MEETS_DISABLED = 4 };

/* What somebody may meet who asks the app now. */
unsigned reload_meets(const struct node *n, unsigned app);
/* The code of a refusal or dismissal, and the status of a request, that one of these may bring? */
bool reload_may_close(unsigned meets, uint64_t code);
bool reload_may_answer(unsigned meets, unsigned status);

/* The tables of the beginning. */
void reload_init(struct node *n);
void reload_fini(struct node *n);
bool reload_act(struct world *w);
/* The settings of the beginning. */
void reload_restore(struct node *n);
/* Once per step. */
void reload_serve(struct node *n);
/* The world rests: it is over, and begins a new round. */
void reload_rest(struct node *n);

#endif
