// SPDX-License-Identifier: GPL-2.0-only
/*
 * To be preloaded: who opens /dev/kvm gets /dev/kvm-vtl, and REDIRECTED, a file
 * in the environment, is written.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

int open(const char *path, int flags, ...)
{
	int (*next)(const char *path, int flags, ...) = dlsym(RTLD_NEXT, "open");
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (!strcmp(path, "/dev/kvm")) {
		path = "/dev/kvm-vtl";
		close(next(getenv("REDIRECTED"), O_CREAT | O_WRONLY, 0600));
	}
	return next(path, flags, mode);
}
