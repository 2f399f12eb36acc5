/* log_output.h: where the log's lines go; never waits for who reads them.
 *
 * A pipe or terminal that nobody reads is full one day, and a server that then waits for room stands
 * still with all its clients. A line for which there is no room is lost instead; base/log.h counts
 * those. Files always have room. Not thread-safe: the log's lock is held. */
#ifndef MAIN_LOG_OUTPUT_H
#define MAIN_LOG_OUTPUT_H

#include "base/str.h"

struct log_output {
	int fd;
	bool is_torn; /* the last line got in by a part */
};

/* For struct log_options, with a struct log_output as its ctx. */
bool log_output_write(void *ctx, str line);

#endif
