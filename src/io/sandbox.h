/* sandbox.h: from a moment on, this process can no longer do what a server has no use for.
 *
 * Three walls, each as far as the kernel has it: no_new_privs (nothing that is started gains
 * rights), a seccomp filter that lets through the system calls of sandbox_calls.def, and Landlock,
 * which leaves only some paths readable. They hold for this thread and all that it starts, for
 * good. What is refused fails with EPERM or EACCES; the process goes on. Descriptors that are open
 * stay open: whatever needs a right of its own (listening sockets above all) is opened before. */
#ifndef IO_SANDBOX_H
#define IO_SANDBOX_H

#include "base/str.h"

enum sandbox_access {
	SANDBOX_READ,	/* the file, or all files of the folder and below */
	SANDBOX_REMOVE, /* files of the folder may be removed */
};

struct sandbox_path {
	str path; /* a NUL follows it; what does not exist is passed over */
	enum sandbox_access access;
};

struct sandbox_options {
	const struct sandbox_path *paths;
	size_t n_paths;
	/* Sockets with names that are no paths: of the service manager in some containers. */
	bool uses_abstract_sockets;
	bool uses_http_client; /* http_client.h, which needs some more system calls */
};

struct sandbox_status {
	/* Why a wall is not there; NULL: it is. Static texts. */
	const char *no_calls, *no_files;
	size_t n_calls, n_paths; /* left open */
};

/* Call it while there is one thread. */
struct sandbox_status sandbox_enter(const struct sandbox_options *o);

#endif
