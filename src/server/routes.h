/* routes.h: which handler answers a method and a path. Knows the shape of the table, not its
 * rows (routes.def). */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "base/arena.h"
#include "codec/http1.h"

#define ROUTE_PARAMETERS_MAX 4

struct http_call;

enum route_flags {
	ROUTE_PUBLIC = 0, /* anybody may ask */
	/* the first parameter is the id of the app that signs; counts as a request to the API */
	ROUTE_SIGNED = 1,
	ROUTE_JSON = 2,	    /* the body must be declared as JSON */
	ROUTE_UPGRADE = 4,  /* counts as a new WebSocket */
	ROUTE_OPERATOR = 8, /* protected by the operator's token, if there is one */
	ROUTE_STATS = 16,   /* the options say whether it is there, and on which listener */
};

struct route {
	enum http_method method; /* HTTP_GET stands for HEAD too */
	str pattern; /* "/a/{parameter}/b": a parameter is one segment that is not empty */
	unsigned flags;
	void (*handle)(const struct http_call *call);
};

enum route_result {
	ROUTE_FOUND,
	ROUTE_UNKNOWN,	    /* no row has this path */
	ROUTE_OTHER_METHOD, /* rows have this path, but not this method */
};

struct route_match {
	const struct route *route; /* NULL, or ROUTE_FOUND */
	unsigned flags;		   /* its own, or of all rows that have this path */
	size_t n_parameters;
	str parameters[ROUTE_PARAMETERS_MAX]; /* as they came: url_decode them */
	unsigned methods; /* ROUTE_OTHER_METHOD: 1 << enum http_method of each row */
};

/* The path is compared as it came, as it was signed: "/%75p" is not "/up". */
enum route_result route_find(const struct route *rows, size_t n_rows, enum http_method method,
			     str path, struct route_match *out);
/* Value of an Allow header, in a. */
str route_methods_text(unsigned methods, struct arena *a);

#endif
