// SPDX-License-Identifier: MIT
//
// Mapped files, and programs that are executed.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "calls.h"

static sigjmp_buf jump;

static void jumped(int number)
{
	siglongjmp(jump, number);
}

// The signal that an access raises, or 0.
static int touch(volatile char *at, bool written)
{
	int number = sigsetjmp(jump, 1);

	if (number != 0)
		return number;
	if (written)
		*at = 'm';
	else
		(void)*at;
	return 0;
}

static void protections(void)
{
	static const int wanted[] = { PROT_READ, PROT_WRITE, PROT_READ | PROT_EXEC };
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE | MAP_SYNC };
	static const int accesses[] = { O_RDONLY, O_WRONLY, O_RDWR };

	for (unsigned i = 0; i < 27; i++) {
		int file = open("f", accesses[i / 9]);
		void *at = mmap(NULL, 4096, wanted[i % 3], kinds[i / 3 % 3], file, 0);

		call(at == MAP_FAILED ? -1 : 0, "opened %d, protection %d, kind %x",
		     accesses[i / 9], wanted[i % 3], kinds[i / 3 % 3]);
		if (at != MAP_FAILED)
			munmap(at, 4096);
		close(file);
	}
}

static void ends(void)
{
	int file = open("f", O_RDWR);
	char *at, byte = 0;

	must(ftruncate(file, 5000) == 0, "ftruncate");
	at = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	must(at != MAP_FAILED, "mmap");
	call(touch(at + 4999, true), "the last byte");
	call(touch(at + 8192, false), "behind the last page");
	must(ftruncate(file, 9000) == 0, "ftruncate");
	call(touch(at + 8192, true), "once it grew");
	must(ftruncate(file, 100) == 0, "cut");
	call(touch(at + 4096, false), "once it is cut");
	must(ftruncate(file, 8192) == 0, "ftruncate");
	call(at[4999], "what was there before");
	must(pwrite(file, "W", 1, 4100) == 1, "pwrite");
	call(at[4100], "what was written");
	at[4101] = 'V';
	must(pread(file, &byte, 1, 4101) == 1, "pread");
	call(byte, "what is read");
	must(unlink("f") == 0, "unlink");
	call(touch(at + 10, true), "once it has no name");
	call(fallocate(file, 3, 4096, 4096), "punched");
	call(at[4101], "what was there");
	call(msync(at, 8192, MS_SYNC), "msync");
	munmap(at, 16384);
	close(file);
}

// The status of this program when it is executed by that name, or the errno why it is not.
static int execute(const char *path)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execl(path, "calls", NULL);
		_exit(errno);
	}
	must(child > 0 && waitpid(child, &status, 0) == child, "fork");
	errno = WEXITSTATUS(status);
	return -1;
}

static void programs(void)
{
	int self = open("/proc/self/exe", O_RDONLY), copy;
	static char bytes[65536];
	ssize_t count;

	fresh("programs");
	copy = open("program", O_WRONLY | O_CREAT, 0755);
	while ((count = read(self, bytes, sizeof(bytes))) > 0)
		must(write(copy, bytes, (size_t)count) == count, "copy");
	fflush(stdout);
	call(execute("./program"), "one that is written");
	close(copy);
	close(self);
	call(open_once("/proc/self/exe", O_WRONLY), "write to one that runs");
	file_make("script", "#!/nowhere\n", 0755);
	file_make("empty", "", 0755);
	file_make("plain", "x", 0644);
	fflush(stdout);
	call(execute("./script"), "script");
	call(execute("./empty"), "empty");
	call(execute("./plain"), "plain");
	call(execute("."), "folder");
}

void calls_of_memory(void)
{
	fresh("memory");
	file_make("f", "content", 0644);
	signal(SIGBUS, jumped);
	protections();
	ends();
	signal(SIGBUS, SIG_DFL);
	programs();
}
