/* config_choice.c: the words of a CHOICE, which a row has as one text: "~ a b/c | d". */
#include "main/config_key.h"

#include "main/nearest.h"

bool config_choice_next(struct config_choices *c, struct config_choice *out)
{
	do {
		if (!c->rest.p)
			return false;
		out->aliases = str_split(&c->rest, ' ');
		c->is_beyond_bar |= str_eq(out->aliases, S("|"));
		c->is_any_case |= str_eq(out->aliases, S("~"));
	} while (str_eq(out->aliases, S("|")) || str_eq(out->aliases, S("~")));
	out->word = str_split(&out->aliases, '/');
	out->is_available = !c->is_beyond_bar;
	return true;
}

struct config_choices config_choices(const struct config_key *k)
{
	return (struct config_choices){ .rest = str_from_cstr(k->choices) };
}

static bool has_alias(str aliases, str text)
{
	while (aliases.p) {
		if (str_eq_nocase(str_split(&aliases, '/'), text))
			return true;
	}
	return false;
}

bool config_choice_find(const struct config_key *k, str text, bool is_lenient,
			struct config_choice *out)
{
	struct config_choices it = config_choices(k);

	while (config_choice_next(&it, out)) {
		if (it.is_any_case || is_lenient ? str_eq_nocase(out->word, text) :
						   str_eq(out->word, text))
			return true;
		if (is_lenient && has_alias(out->aliases, text))
			return true;
	}
	return false;
}

bool config_key_has_choice(const struct config_key *k, str word)
{
	struct config_choice c;

	return config_choice_find(k, word, false, &c) && c.is_available;
}

str config_key_suggest(const struct config_key *k, str text)
{
	struct config_choice c;
	struct config_choices it;
	struct nearest n;

	if (k->type != CONFIG_CHOICE)
		return S("");
	nearest_init(&n, text);
	for (it = config_choices(k); config_choice_next(&it, &c);)
		nearest_offer(&n, c.word);
	return n.best;
}
