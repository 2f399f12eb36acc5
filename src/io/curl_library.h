/* curl_library.h: libcurl, loaded when somebody wants it.
 *
 * Linked like the other libraries it would cost everybody 6 MB of memory and 6 ms of each start, with
 * the thirty libraries that it brings along; most servers send no webhooks. */
#ifndef IO_CURL_LIBRARY_H
#define IO_CURL_LIBRARY_H

/* A build without it does not look in here. */
#if __has_include(<curl/curl.h>)

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

#define CURL_LIBRARY_FUNCTIONS(X)                                                                  \
	X(curl_global_init)                                                                        \
	X(curl_version_info)                                                                       \
	X(curl_easy_init)                                                                          \
	X(curl_easy_setopt)                                                                        \
	X(curl_easy_getinfo)                                                                       \
	X(curl_easy_cleanup)                                                                       \
	X(curl_easy_strerror)                                                                      \
	X(curl_slist_append)                                                                       \
	X(curl_slist_free_all)                                                                     \
	X(curl_multi_init)                                                                         \
	X(curl_multi_setopt)                                                                       \
	X(curl_multi_add_handle)                                                                   \
	X(curl_multi_remove_handle)                                                                \
	X(curl_multi_perform)                                                                      \
	X(curl_multi_poll)                                                                         \
	X(curl_multi_wakeup)                                                                       \
	X(curl_multi_info_read)                                                                    \
	X(curl_multi_cleanup)

struct curl_library {
#define X(name) __typeof__(&(name)) name;
	CURL_LIBRARY_FUNCTIONS(X)
#undef X
};

/* False: *why, a static text. It is never unloaded: a thread of it that waits for a name may outlive
 * whoever asked. */
bool curl_library_load(struct curl_library *c, const char **why);

#endif

#endif
