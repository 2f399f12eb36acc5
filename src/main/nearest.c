/* nearest.c: edit distance with swapped neighbours as one edit, because that is what fingers do.
 *
 * Words are short and suggestions are rare, so three rows of the textbook's table do. How far a
 * suggestion may be off grows with the word: a wrong suggestion is worse than none. */
#include "main/nearest.h"

#include "base/check.h"

enum { WORD_LEN_MAX = 64 };

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(str a, str b)
{
	unsigned rows[3][WORD_LEN_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	ASSERT(a.n <= WORD_LEN_MAX && b.n <= WORD_LEN_MAX);
	for (size_t j = 0; j <= b.n; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned change = a.p[i - 1] != b.p[j - 1];

			row[j] = min2(last[j - 1] + change, min2(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = min2(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.n];
}

void nearest_init(struct nearest *n, str word)
{
	*n = (struct nearest){ .word = word };
	/* The first distance that is too far: 2 for up to 4 letters, 3 for up to 8, then 4. */
	n->distance = min2((unsigned)(word.n + 3) / 4, 3) + 1;
}

void nearest_offer(struct nearest *n, str candidate)
{
	unsigned d;

	if (n->word.n == 0 || n->word.n > WORD_LEN_MAX || candidate.n > WORD_LEN_MAX)
		return;
	d = distance(n->word, candidate);
	if (d >= n->distance)
		return;
	n->distance = d;
	n->best = candidate;
}
