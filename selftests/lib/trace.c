// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - the module's tracepoints, read through tracefs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "vm.h"

#define TRACING			"/sys/kernel/tracing/"

int trace_start(void)
{
	int ret;

	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "trace", "");
	ret = write_file(TRACING "events/kvm_vtl/enable", "1");
	if (ret)
		return ret;
	return write_file(TRACING "tracing_on", "1");
}

void trace_stop(void)
{
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "events/kvm_vtl/enable", "0");
}

int trace_count(const char *event, const char *what)
{
	char line[512], name[64];
	int n = 0;
	FILE *f;

	snprintf(name, sizeof(name), ": %s: ", event);
	f = fopen(TRACING "trace", "re");
	while (f && fgets(line, sizeof(line), f))
		if (line[0] != '#' && strstr(line, name) &&
		    (!what || strstr(line, what)))
			n++;
	if (f)
		fclose(f);
	return n;
}

void trace_dump(void)
{
	char line[512];
	FILE *f;

	f = fopen(TRACING "trace", "re");
	while (f && fgets(line, sizeof(line), f))
		if (line[0] != '#')
			printf("# %s", line);
	if (f)
		fclose(f);
}
