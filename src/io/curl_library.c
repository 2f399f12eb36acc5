/* curl_library.c: what is asked of a libcurl, whoever built it: resolving names on threads of its own (or
 * one slow name would hold up all requests), TLS, and options that came with 7.85 (Debian 12 has
 * 7.88). */
#include "io/curl_library.h"

#include <dlfcn.h>

#define VERSION_MIN 0x075500
#define VERSION_MIN_TEXT "7.85"

static bool find_functions(struct curl_library *c, void *library)
{
#define X(name)                                                                                    \
	c->name = (__typeof__(c->name))dlsym(library, #name);                                      \
	if (!c->name)                                                                              \
		return false;
	CURL_LIBRARY_FUNCTIONS(X)
#undef X
	return true;
}

static const char *what_is_missing(const curl_version_info_data *v)
{
	if (v->version_num < VERSION_MIN)
		return "libcurl is older than " VERSION_MIN_TEXT;
	if (!(v->features & CURL_VERSION_ASYNCHDNS))
		return "libcurl would wait for the names of hosts";
	if (!(v->features & CURL_VERSION_SSL))
		return "libcurl has no TLS";
	return NULL;
}

bool curl_library_load(struct curl_library *c, const char **why)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (!library) {
		*why = "libcurl cannot be loaded (Debian: libcurl4)";
		return false;
	}
	if (!find_functions(c, library)) {
		*why = "libcurl is older than " VERSION_MIN_TEXT;
		return false;
	}
	*why = what_is_missing(c->curl_version_info(CURLVERSION_NOW));
	if (!*why && c->curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		*why = "libcurl cannot be initialised";
	return !*why;
}
