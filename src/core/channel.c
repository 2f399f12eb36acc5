#include "core/channel.h"

#include "base/check.h"
#include "base/mem.h"

str channel_key(const void *channel)
{
	return ((const struct channel *)channel)->name;
}

/* One comes (+1) or goes (-1). */
static void count_channel(const struct channel *ch, int by)
{
	struct app_counts *n = &ch->owner->counts;

	if (ch->traits & CHANNEL_USER) {
		n->users += by;
		return;
	}
	n->channels += by;
	n->channels_of_type[channel_type_of(ch->traits)] += by;
	if (channel_is_presence(ch))
		n->presence_channels += by;
}

struct channel *channel_new(struct hub_app *owner, unsigned n_workers, str name, uint64_t hash,
			    uint32_t traits)
{
	size_t fixed = sizeof(struct channel) + n_workers * sizeof(struct interest);
	struct channel *ch = try_alloc(fixed + name.n);

	if (!ch)
		return NULL;
	memset(ch, 0, fixed);
	memcpy((char *)ch + fixed, name.p, name.n);
	ch->name = (str){ (char *)ch + fixed, name.n };
	ch->owner = owner;
	ch->hash = hash;
	ch->traits = traits;
	list_init(&ch->count_changed);
	if (channel_is_presence(ch))
		ch->presence = presence_new();
	map_put(&owner->channels, hash, ch);
	count_channel(ch, 1);
	return ch;
}

void channel_free(struct channel *ch)
{
	ASSERT(ch->n_subscriptions == 0);
	map_remove(&ch->owner->channels, ch->hash, ch);
	count_channel(ch, -1);
	list_remove(&ch->count_changed);
	if (channel_is_presence(ch))
		presence_free(ch->presence);
	xfree(ch);
}
