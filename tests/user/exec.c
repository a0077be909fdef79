/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: what the new program has of the old one, and what is no program. The test runs itself; main()
 * knows the words it gives itself. Linux: fs/exec.c, man 2 execve.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static int status_of(pid_t pid)
{
	int status = -1;

	expect_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static char self[256];

static pid_t exec_self(const char *word, char *const envp[])
{
	char *argv[] = { (char *)"exec", (char *)word, (char *)"two words", NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execve(self, argv, envp);
		_exit(127);
	}
	return pid;
}

TEST(a_program_gets_its_arguments_and_environment)
{
	char *envp[] = { (char *)"A=1", (char *)"LONG=environment", NULL };

	expect_eq(status_of(exec_self("check-args", envp)), 0);
}

TEST(marked_descriptors_close_and_others_stay)
{
	char *envp[] = { NULL };
	int kept = dup2(1, 50), closed = dup3(1, 51, O_CLOEXEC);

	expect(kept == 50 && closed == 51);
	expect_eq(status_of(exec_self("check-fds", envp)), 0);
	close(50);
	close(51);
}

static void on_signal(int signo)
{
	(void)signo;
}

TEST(handlers_become_default_and_ignored_stays)
{
	char *envp[] = { NULL };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set, old;

	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	expect_eq(status_of(exec_self("check-signals", envp)), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

TEST(execve_refuses_what_is_no_program)
{
	char *none[] = { NULL };
	int fd = open(scratch("text"), O_WRONLY | O_CREAT | O_TRUNC, 0755);

	expect_eq(write(fd, "no program", 10), 10);
	close(fd);
	expect_eq(sys(__NR_execve, scratch("text"), none, none), -ENOEXEC);
	chmod(scratch("text"), 0644);
	expect_eq(sys(__NR_execve, scratch("text"), none, none), -EACCES);
	unlink(scratch("text"));
	expect_eq(sys(__NR_execve, scratch("text"), none, none), -ENOENT);
	expect_eq(sys(__NR_execve, "/", none, none), -EACCES);
	expect_eq(sys(__NR_execve, 8, none, none), -EFAULT);
	expect_eq(sys(__NR_execve, self, 8, none), -EFAULT);
}

TEST(a_script_runs_its_interpreter)
{
	char line[300], *envp[] = { NULL }, *argv[] = { (char *)"x", (char *)"last", NULL };
	int fd = open(scratch("script"), O_WRONLY | O_CREAT | O_TRUNC, 0755);
	pid_t pid;

	strcpy(line, "#! ");
	strcat(line, self);
	strcat(line, " check-script \n");
	expect(write(fd, line, strlen(line)) > 0);
	close(fd);
	pid = fork();
	if (pid == 0) {
		execve(scratch("script"), argv, envp);
		_exit(127);
	}
	expect_eq(status_of(pid), 0);
	unlink(scratch("script"));
}

static _Noreturn void pause_for_ever(void)
{
	for (;;)
		pause();
}

static void *exec_here(void *arg)
{
	char *argv[] = { (char *)"exec", (char *)"check-leader", NULL }, *envp[] = { NULL };

	sleep_ms(10);
	execve(self, argv, envp);
	return arg;
}

static void *wait_here(void *arg)
{
	(void)arg;
	pause_for_ever();
}

TEST(a_thread_that_executes_is_the_process_alone)
{
	pid_t pid = fork();
	pthread_t t;

	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, wait_here, NULL);
		pthread_create(&t, NULL, exec_here, NULL);
		pause_for_ever();
	}
	expect_eq(status_of(pid), 0);
}

static int check_args(int argc, char **argv, char **envp)
{
	return argc == 3 && !strcmp(argv[0], "exec") && !strcmp(argv[2], "two words") &&
	       !strcmp(envp[0], "A=1") && !strcmp(envp[1], "LONG=environment") && !envp[2];
}

static int check_fds(void)
{
	return fcntl(50, F_GETFD) == 0 && fcntl(51, F_GETFD) == -1 && errno == EBADF;
}

static int check_signals(void)
{
	struct sigaction usr1, usr2;
	sigset_t mask;

	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	return usr1.sa_handler == SIG_DFL && usr2.sa_handler == SIG_IGN &&
	       sigismember(&mask, SIGHUP);
}

/* interpreter, its argument, the script, the script's arguments */
static int check_script(int argc, char **argv)
{
	return argc == 4 && !strcmp(argv[0], self) && strstr(argv[2], "script") &&
	       !strcmp(argv[3], "last");
}

int main(int argc, char **argv, char **envp)
{
	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
	if (argc > 1 && !strcmp(argv[1], "check-args"))
		return !check_args(argc, argv, envp);
	if (argc > 1 && !strcmp(argv[1], "check-leader"))
		return getpid() != sys(__NR_gettid);
	if (argc > 1 && !strcmp(argv[1], "check-fds"))
		return !check_fds();
	if (argc > 1 && !strcmp(argv[1], "check-signals"))
		return !check_signals();
	if (argc > 1 && !strcmp(argv[1], "check-script"))
		return !check_script(argc, argv);
	return tap_main();
}
