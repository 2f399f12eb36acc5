/* environment.c: all variables, not only those that sound like secrets: a file may refer to any of
 * them with ${NAME}. Names stay readable, so that an operator still sees in /proc/PID/environ what
 * was set. */
#include "main/environment.h"

#include "base/mem.h"
#include "base/secret.h"

#include <unistd.h>

static void hide_value(char *variable)
{
	char *value = strchr(variable, '=');

	if (value)
		secret_wipe(value + 1, strlen(value + 1));
}

void environment_hide(void)
{
	size_t n = 0;
	char **hidden;

	while (environ && environ[n])
		n++;
	hidden = xcalloc(n + 1, sizeof(*hidden));
	for (size_t i = 0; i < n; i++) {
		hidden[i] = (char *)secret_str(str_from_cstr(environ[i])).p;
		hide_value(environ[i]);
	}
	environ = hidden;
}
