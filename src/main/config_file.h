/* config_file.h: a small file as a whole. */
#ifndef MAIN_CONFIG_FILE_H
#define MAIN_CONFIG_FILE_H

#include "base/arena.h"

/* Reads the file called name into a. 0, or errno (EFBIG: above bytes_max). */
int config_file_read(str name, size_t bytes_max, struct arena *a, str *out);

#endif
