// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the test machines.
 *
 * Loads the modules, runs the tests one after the other, each with a time
 * limit, and reports on the second serial port.  What it writes there is read
 * by judge.py:
 *
 *	vtl-tests NAME...		the tests that will run
 *	vtl-begin NAME limit=SECONDS
 *	(the test's own output)
 *	vtl-end NAME status=exit:N|signal:N|timeout|stuck|setup ms=N
 *	vtl-done			the final word
 *
 * The same output goes into the kernel log, prefixed, so that the console shows
 * in which order things happened.
 *
 * Words of the kernel's command line:
 *	vtl.host=NAME		name of the machine, given to the tests
 *	vtl.tests=a,b		which tests (default: all)
 *	vtl.scale=N		factor on time limits, VTL_SCALE of the tests
 *	MODULE.NAME=VALUE	parameters of the modules that we load
 *	vtl.run=run|loadrun	run /vtl/run in the outer machine's root (9p),
 *				without or with kvm-vtl loaded
 */
#define _GNU_SOURCE
#include <linux/kvm.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MODULE		"kvm_vtl"
#define MODULE_PATH	"/lib/modules/kvm-vtl.ko"
#define NEW_ROOT	"/newroot"
#define DEFAULT_LIMIT	300
#define RUN_LIMIT	3600
#define STUCK_MS	20000
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6	/* younger objects are not told of */
#define MAX_TESTS	256

static FILE *verdict;
static FILE *kmsg;
static char cmdline[4096];

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(verdict, fmt, ap);
	va_end(ap);
	fflush(verdict);
}

/* One record of the kernel log: level 5 reaches the console. */
static void log_line(const char *fmt, ...)
{
	va_list ap;

	fputs("<5>", kmsg);
	va_start(ap, fmt);
	vfprintf(kmsg, fmt, ap);
	va_end(ap);
	fputc('\n', kmsg);
	fflush(kmsg);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Value of the word "vtl.NAME="; empty when absent. */
static const char *option(const char *name)
{
	static char value[1024];
	char key[64], *p;

	value[0] = '\0';
	snprintf(key, sizeof(key), "vtl.%s=", name);
	for (p = cmdline; (p = strstr(p, key)); p++)
		if (p == cmdline || p[-1] == ' ')
			break;
	if (p) {
		p += strlen(key);
		snprintf(value, sizeof(value), "%.*s",
			 (int)strcspn(p, "\n "), p);
	}
	return value;
}

/* All words "MODULE.NAME=VALUE" of that module, without "MODULE.". */
static const char *module_parameters(const char *module)
{
	static char value[1024];
	char words[sizeof(cmdline)], *word, *save = NULL;
	size_t n = strlen(module), used = 0;

	value[0] = '\0';
	snprintf(words, sizeof(words), "%s", cmdline);
	for (word = strtok_r(words, "\n ", &save); word;
	     word = strtok_r(NULL, "\n ", &save)) {
		if (strncmp(word, module, n) || word[n] != '.' ||
		    used >= sizeof(value))
			continue;
		used += snprintf(value + used, sizeof(value) - used, "%s ",
				 word + n + 1);
	}
	return value;
}

static void mount_one(const char *type, const char *where, const char *data)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, data) && errno != EBUSY)
		log_line("vtl-init: cannot mount %s: %m", where);
}

static void finish(void)
{
	say("vtl-done\n");
	sync();
	tcdrain(fileno(verdict));
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static FILE *open_tty(const char *path)
{
	struct termios t;
	int fd;

	fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		tcsetattr(fd, TCSANOW, &t);
	}
	return fdopen(fd, "w");
}

static void setup(void)
{
	FILE *f;
	int fd;

	mount_one("proc", "/proc", NULL);
	mount_one("sysfs", "/sys", NULL);
	mount_one("devtmpfs", "/dev", NULL);
	mount_one("tmpfs", "/tmp", NULL);
	mount_one("debugfs", "/sys/kernel/debug", NULL);
	mount_one("tracefs", "/sys/kernel/tracing", NULL);

	fd = open("/dev/null", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);

	kmsg = fopen("/dev/kmsg", "we");
	if (!kmsg)
		kmsg = fopen("/dev/null", "we");
	setvbuf(kmsg, NULL, _IOFBF, 2048);
	verdict = open_tty("/dev/ttyS1");
	if (!verdict) {
		log_line("vtl-init: no second serial port");
		verdict = fopen("/dev/null", "we");
	}

	f = fopen("/proc/cmdline", "re");
	if (!f || !fgets(cmdline, sizeof(cmdline), f))
		log_line("vtl-init: no command line");
	if (f)
		fclose(f);
}

/* The name of a module as the kernel knows it: base name, '-' as '_'. */
static void module_name(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/');
	char *p;

	snprintf(name, size, "%s", base ? base + 1 : path);
	for (p = name; *p && *p != '.'; p++)
		if (*p == '-')
			*p = '_';
	*p = '\0';
}

static int load_module(const char *path)
{
	char name[64];
	int fd, ret;

	module_name(path, name, sizeof(name));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, module_parameters(name), 0);
	ret = ret && errno != EEXIST ? -errno : 0;
	close(fd);
	return ret;
}

static void load_base_modules(void)
{
	char path[256];
	FILE *f;
	int ret;

	f = fopen("/vtl/load", "re");
	if (!f)
		return;
	while (fgets(path, sizeof(path), f)) {
		path[strcspn(path, "\n")] = '\0';
		ret = load_module(path);
		if (!ret)
			continue;
		log_line("vtl-init: cannot load %s: %s", path, strerror(-ret));
		say("vtl-error cannot load %s: %s\n", path, strerror(-ret));
	}
	fclose(f);
}

static bool module_loaded(void)
{
	return !access("/sys/module/" MODULE, F_OK);
}

/* Tests of loading itself find the module absent; all others find it there. */
static int module_state(const char *test)
{
	bool wanted = strncmp(test, "load", 4) && strncmp(test, "hooks", 5) &&
		      strcmp(option("run"), "run");
	int ret = 0;

	if (access(MODULE_PATH, F_OK))
		return 0;
	if (wanted && !module_loaded())
		ret = load_module(MODULE_PATH);
	else if (!wanted && module_loaded() &&
		 syscall(SYS_delete_module, MODULE, O_NONBLOCK))
		ret = -errno;
	if (ret)
		say("vtl-error cannot %s the module: %s\n",
		    wanted ? "load" : "unload", strerror(-ret));
	return ret;
}

/* selftests/settings: lines "NAME=SECONDS". */
static int limit_of(const char *test)
{
	int limit = *option("run") ? RUN_LIMIT : DEFAULT_LIMIT;
	int scale = atoi(option("scale"));
	char line[128];
	size_t n = strlen(test);
	FILE *f;

	f = fopen("/vtl/settings", "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, test, n) && line[n] == '=')
			limit = atoi(line + n + 1);
	if (f)
		fclose(f);
	return limit * (scale > 0 ? scale : 1);
}

static void pass_line(const char *test, char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	say("%s\n", line);
	log_line("vtl-test %s| %s", test, line);
}

/* Passes whole lines on; what remains without an end is kept. */
static bool pass_output(const char *test, int fd, char *buf, size_t size,
			size_t *used)
{
	char *start = buf, *end;
	ssize_t n;

	n = read(fd, buf + *used, size - 1 - *used);
	if (n < 0)
		return errno == EINTR;
	*used += n;
	buf[*used] = '\0';
	while ((end = strchr(start, '\n'))) {
		*end = '\0';
		pass_line(test, start);
		start = end + 1;
	}
	*used -= start - buf;
	memmove(buf, start, *used + 1);
	if (*used && (!n || *used == size - 1)) {
		pass_line(test, buf);
		*used = 0;
	}
	return n > 0;
}

static void exec_test(const char *path, int out)
{
	setsid();
	dup2(out, 1);
	dup2(out, 2);
	if (chdir("/tmp"))
		_exit(127);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/tmp", 1);
	setenv("VTL_HOST", option("host"), 1);
	setenv("VTL_SCALE", option("scale"), 1);
	setenv("KVM_VTL_KO", MODULE_PATH, 1);
	if (*option("run")) {
		setenv("KVM_VTL_KO", "/run/modules/kvm-vtl.ko", 1);
		if (chroot(NEW_ROOT) || chdir("/tmp"))
			_exit(127);
	}
	execl(path, path, NULL);
	dprintf(2, "# cannot execute %s: %m\n", path);
	_exit(127);
}

/*
 * With its first VM and its last KVM patches the scheduler, and QEMU's TCG lets
 * another CPU run into the int3 of such a patch now and then.  So there always
 * is one, but for tests that unload KVM.
 */
static void hold_machine(bool hold)
{
	static int vm = -1;
	int dev;

	if (!hold && vm >= 0) {
		close(vm);
		vm = -1;
	}
	if (!hold || vm >= 0)
		return;
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev >= 0) {
		vm = ioctl(dev, KVM_CREATE_VM, 0);
		close(dev);
	}
}

static void run(const char *test, const char *path)
{
	static char buf[4096];
	long long start = now_ms(), deadline;
	int limit = limit_of(test), out[2], pidfd, status = 0;
	bool eof = false, exited = false, timeout = false;
	size_t used = 0;
	pid_t pid;

	log_line("kvm-vtl-test: begin %s", test);
	say("vtl-begin %s limit=%d\n", test, limit);
	if (module_state(test) || pipe2(out, O_CLOEXEC)) {
		say("vtl-end %s status=setup ms=0\n", test);
		return;
	}
	hold_machine(strncmp(test, "load", 4));
	pid = fork();
	if (!pid)
		exec_test(path, out[1]);
	close(out[1]);
	pidfd = pidfd_open(pid, 0);
	deadline = start + limit * 1000LL;

	while (!exited || !eof) {
		struct pollfd p[2] = {
			{ .fd = eof ? -1 : out[0], .events = POLLIN },
			{ .fd = exited ? -1 : pidfd, .events = POLLIN },
		};
		long long left = deadline - now_ms();

		/* Whoever keeps the pipe open after the test is cut off. */
		if (exited && !eof && left > 1000)
			left = 1000;
		if (poll(p, 2, left > 0 ? left : 0) == 0) {
			if (exited || timeout)
				break;
			timeout = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			deadline = now_ms() + STUCK_MS;
		}
		if (p[0].revents)
			eof = !pass_output(test, out[0], buf, sizeof(buf),
					   &used);
		if (p[1].revents && waitpid(pid, &status, 0) == pid) {
			exited = true;
			kill(-pid, SIGKILL);
		}
	}
	close(out[0]);
	close(pidfd);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;

	say("vtl-end %s status=", test);
	if (!exited)
		say("stuck");
	else if (timeout)
		say("timeout");
	else if (WIFSIGNALED(status))
		say("signal:%d", WTERMSIG(status));
	else
		say("exit:%d", WEXITSTATUS(status));
	say(" ms=%lld\n", now_ms() - start);
	log_line("kvm-vtl-test: end %s", test);
	if (!exited)
		finish();
}

static bool chosen(const char *name)
{
	char list[1024], *word, *save = NULL;

	snprintf(list, sizeof(list), "%s", option("tests"));
	if (!*list)
		return true;
	for (word = strtok_r(list, ",", &save); word;
	     word = strtok_r(NULL, ",", &save))
		if (!strcmp(word, name))
			return true;
	return false;
}

static void run_tests(void)
{
	struct dirent **list;
	char *names[MAX_TESTS];
	char *files[MAX_TESTS];
	int i, n, count = 0;
	char *p;

	n = scandir("/tests", &list, NULL, alphasort);
	for (i = 0; i < n && count < MAX_TESTS; i++) {
		char *name = strdup(list[i]->d_name);

		p = strstr(name, "_test");
		if (!p || p == name)
			continue;
		*p = '\0';
		if (!chosen(name))
			continue;
		names[count] = name;
		files[count++] = list[i]->d_name;
	}

	say("vtl-tests");
	for (i = 0; i < count; i++)
		say(" %s", names[i]);
	say("\n");

	for (i = 0; i < count; i++) {
		char path[512];

		snprintf(path, sizeof(path), "/tests/%s", files[i]);
		run(names[i], path);
	}
}

static void write_kmemleak(const char *command)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, command, strlen(command)) < 0)
		log_line("vtl-init: kmemleak: %s: %m", command);
	close(fd);
}

/* Memory that nobody points to goes to the console, for judge.py. */
static void find_leaks(void)
{
	char line[256];
	FILE *f;

	if (access(KMEMLEAK, F_OK))
		return;
	sleep(KMEMLEAK_AGE);
	/* What changed since the last look is not told of: look twice. */
	write_kmemleak("scan");
	write_kmemleak("scan");
	f = fopen(KMEMLEAK, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		log_line("%s", line);
	}
	if (f)
		fclose(f);
}

/* The first report of lockdep, and some of its limits, end its work. */
static void check_lockdep(void)
{
	char line[256];
	int on;
	FILE *f;

	f = fopen("/proc/lockdep_stats", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " debug_locks: %d", &on) == 1 && !on)
			say("vtl-error lockdep has been off\n");
	if (f)
		fclose(f);
}

/* The outer machine's root; what is written to it stays in our memory. */
static int mount_outer_root(void)
{
	static const char * const dirs[] = {
		"/outer", "/scratch", "/scratch/upper", "/scratch/work",
		NEW_ROOT, NULL
	};
	int i;

	mkdir("/scratch", 0755);
	if (mount("tmpfs", "/scratch", "tmpfs", 0, NULL))
		return -1;
	for (i = 0; dirs[i]; i++)
		mkdir(dirs[i], 0755);
	if (mount("hostroot", "/outer", "9p", MS_RDONLY,
		  "trans=virtio,version=9p2000.L,msize=524288,cache=loose"))
		return -1;
	return mount("overlay", NEW_ROOT, "overlay", 0,
		     "lowerdir=/outer,upperdir=/scratch/upper,workdir=/scratch/work");
}

static void run_in_outer_root(void)
{
	static const char * const dirs[] = { "/dev", "/proc", "/sys", NULL };
	char path[64];
	int i;

	say("vtl-tests run\n");
	if (mount_outer_root()) {
		say("vtl-error cannot mount the outer root: %s\n",
		    strerror(errno));
		return;
	}
	for (i = 0; dirs[i]; i++) {
		snprintf(path, sizeof(path), NEW_ROOT "%s", dirs[i]);
		mount(dirs[i], path, NULL, MS_BIND | MS_REC, NULL);
	}
	mkdir("/dev/pts", 0755);
	mount("devpts", NEW_ROOT "/dev/pts", "devpts", 0, NULL);
	mkdir("/dev/shm", 0755);
	mount("tmpfs", NEW_ROOT "/dev/shm", "tmpfs", 0, NULL);
	mount("tmpfs", NEW_ROOT "/run", "tmpfs", 0, NULL);
	mkdir(NEW_ROOT "/run/modules", 0755);
	mount("/lib/modules", NEW_ROOT "/run/modules", NULL, MS_BIND, NULL);
	mkdir(NEW_ROOT "/run/vtl", 0755);
	mount("/vtl", NEW_ROOT "/run/vtl", NULL, MS_BIND, NULL);
	run("run", "/run/vtl/run");
}

int main(void)
{
	setup();
	log_line("vtl-init: start");
	load_base_modules();
	if (*option("run"))
		run_in_outer_root();
	else
		run_tests();
	log_line("kvm-vtl-test: begin end");
	find_leaks();
	check_lockdep();
	finish();
}
