/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that keep messages apart, and descriptors that go through sockets. man 7 unix, man 3
 * cmsg.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static int poll_now(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static socklen_t abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path + 1, name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

TEST(datagrams_stay_apart)
{
	char got[16] = "";
	int s[2], size;

	require(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
	expect_eq(poll_now(s[1]), POLLOUT);
	expect_eq(send(s[0], "one", 3, 0), 3);
	expect_eq(write(s[0], "", 0), 0);
	expect_eq(send(s[0], "three!", 6, 0), 6);
	expect_eq(poll_now(s[1]), POLLIN | POLLOUT);
	expect(!ioctl(s[1], FIONREAD, &size) && size == 3);
	expect_eq(recv(s[1], got, 16, MSG_PEEK), 3);
	expect_eq(recv(s[1], got, 16, 0), 3);
	expect_eq(memcmp(got, "one", 3), 0);
	expect_eq(recv(s[1], got, 16, 0), 0);
	expect_eq(recv(s[1], got, 2, MSG_TRUNC), 6); /* the rest of a message is lost */
	expect_eq(sys(__NR_recvfrom, s[1], got, 16, 0, 0, 0), -EAGAIN);
	close(s[0]);
	expect_eq(sys(__NR_sendto, s[1], "x", 1, 0, 0, 0), -ECONNREFUSED);
	close(s[1]);
}

TEST(datagrams_have_addresses)
{
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0),
	    stream = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un to, from, mine;
	socklen_t length = abstract(&to, "stet-server"), own = abstract(&mine, "stet-client"),
		  size = sizeof(from);
	char got[16];

	expect_eq(sys(__NR_sendto, client, "x", 1, 0, &to, length), -ECONNREFUSED);
	expect_eq(sys(__NR_sendto, client, "x", 1, 0, 0, 0), -ENOTCONN);
	expect_eq(bind(server, (void *)&to, length), 0);
	expect_eq(sys(__NR_listen, server, 1), -EOPNOTSUPP);
	expect_eq(sendto(client, "hello", 5, 0, (void *)&to, length), 5);
	expect_eq(recvfrom(server, got, 16, 0, (void *)&from, &size), 5);
	expect_eq(size, 0); /* it has no name */
	expect_eq(bind(client, (void *)&mine, own), 0);
	expect_eq(connect(client, (void *)&to, length), 0);
	expect_eq(write(client, "again", 5), 5);
	size = sizeof(from);
	expect_eq(recvfrom(server, got, 16, 0, (void *)&from, &size), 5);
	expect_eq(size, own);
	expect_eq(memcmp(&from, &mine, own), 0);
	expect_eq(sendto(server, "answer", 6, 0, (void *)&from, size), 6);
	expect_eq(read(client, got, 16), 6);
	size = sizeof(from);
	expect_eq(getpeername(client, (void *)&from, &size), 0);
	expect_eq(size, length);
	expect_eq(sys(__NR_connect, stream, &to, length),
		  -ECONNREFUSED); /* each type has its own names */
	close(server);
	expect_eq(sys(__NR_write, client, "x", 1), -ECONNREFUSED);
	close(client);
	close(stream);
}

TEST(a_path_is_of_one_type)
{
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0),
	    stream = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char c;

	strcpy(a.sun_path, scratch("datagrams"));
	unlink(a.sun_path);
	expect_eq(sys(__NR_sendto, client, "x", 1, 0, &a, sizeof(a)), -ENOENT);
	expect_eq(bind(server, (void *)&a, sizeof(a)), 0);
	expect_eq(sys(__NR_connect, stream, &a, sizeof(a)), -EPROTOTYPE);
	expect_eq(sendto(client, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	expect_eq(read(server, &c, 1), 1);
	unlink(a.sun_path);
	close(server), close(client), close(stream);
}

TEST(packets_have_connections)
{
	int server = socket(AF_UNIX, SOCK_SEQPACKET, 0),
	    client = socket(AF_UNIX, SOCK_SEQPACKET, 0), fd;
	struct sockaddr_un a;
	socklen_t length = abstract(&a, "stet-packets");
	char got[16];

	signal(SIGPIPE, SIG_IGN);
	expect_eq(sys(__NR_recvfrom, client, got, 16, 0, 0, 0), -ENOTCONN);
	expect_eq(bind(server, (void *)&a, length), 0);
	expect_eq(listen(server, 3), 0);
	expect_eq(connect(client, (void *)&a, length), 0);
	expect_eq(poll_now(server), POLLIN);
	fd = accept(server, NULL, NULL);
	expect_eq(write(client, "ab", 2), 2);
	expect_eq(write(client, "cde", 3), 3);
	expect_eq(read(fd, got, 1), 1);
	expect_eq(read(fd, got, 16), 3);
	expect_eq(shutdown(client, SHUT_WR), 0);
	expect_eq(read(fd, got, 16), 0);
	expect_eq(poll_now(fd), POLLIN | POLLOUT | POLLRDHUP);
	expect_eq(write(fd, "back", 4), 4);
	expect_eq(sys(__NR_write, client, "x", 1), -EPIPE);
	expect_eq(read(client, got, 16), 4);
	close(client);
	expect_eq(sys(__NR_write, fd, "x", 1), -EPIPE);
	close(fd);
	close(server);
}

static void *send_many(void *arg)
{
	char piece[1000] = "";

	for (int i = 0; i < 2000; i++) {
		memcpy(piece, &i, sizeof(i));
		if (send(*(int *)arg, piece, sizeof(piece), 0) != sizeof(piece))
			return arg;
	}
	return NULL;
}

TEST(who_sends_too_much_waits)
{
	static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };

	for (int t = 0; t < 2; t++) {
		pthread_t thread;
		char piece[1000];
		int s[2], n;
		void *bad;

		require(!socketpair(AF_UNIX, types[t], 0, s));
		pthread_create(&thread, NULL, send_many, &s[0]);
		for (int i = 0; i < 2000 && !tap_failed; i++) {
			expect_eq(read(s[1], piece, sizeof(piece)), sizeof(piece));
			memcpy(&n, piece, sizeof(n));
			expect_eq(n, i);
		}
		pthread_join(thread, &bad);
		expect(!bad);
		fcntl(s[0], F_SETFL, O_NONBLOCK);
		for (n = 0; n < 3000 && send(s[0], piece, sizeof(piece), 0) > 0; n++)
			;
		expect(n > 5 && n < 3000 && errno == EAGAIN);
		close(s[0]), close(s[1]);
	}
}

/* ---- descriptors ---- */

enum { MOST = 8 };
union control {
	char bytes[CMSG_SPACE(MOST * sizeof(int))];
	struct cmsghdr align;
};

static long send_fds(int s, const void *data, size_t size, const int *fds, unsigned count)
{
	union control control = { { 0 } };
	struct iovec v = { (void *)data, size };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	return sys(__NR_sendmsg, s, &m, MSG_NOSIGNAL);
}

/* Bytes; the descriptors that came with them, at most room of them, and the flags. */
static long receive_fds(int s, void *data, size_t size, int *fds, unsigned room, unsigned *count,
			int *flags)
{
	union control control;
	struct iovec v = { data, size };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0 };
	long n = sys(__NR_recvmsg, s, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*count = 0;
	*flags = m.msg_flags & ~MSG_CMSG_CLOEXEC;
	if (c && expect(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)) {
		*count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
	}
	return n;
}

TEST(descriptors_go_through_every_kind_of_socket)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (int t = 0; t < 3; t++) {
		int s[2], p[2], got[MOST], flags;
		unsigned count;
		char c[4];

		require(!socketpair(AF_UNIX, types[t], 0, s) && !pipe(p));
		expect_eq(send_fds(s[0], "ab", 2, p, 2), 2);
		close(p[0]), close(p[1]);
		expect_eq(receive_fds(s[1], c, 4, got, MOST, &count, &flags), 2);
		require(expect_eq(count, 2));
		expect_eq(flags, 0);
		expect_eq(fcntl(got[0], F_GETFD), FD_CLOEXEC);
		expect_eq(write(got[1], "x", 1), 1);
		expect_eq(read(got[0], c, 1), 1);
		close(got[0]), close(got[1]);
		close(s[0]), close(s[1]);
	}
}

TEST(a_streams_descriptors_stay_with_their_bytes)
{
	int s[2], fd = open("/dev/null", O_RDWR), got[MOST], flags;
	unsigned count;
	char c[16];

	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	expect_eq(write(s[0], "abc", 3), 3);
	expect_eq(send_fds(s[0], "de", 2, &fd, 1), 2);
	expect_eq(write(s[0], "fgh", 3), 3);
	expect_eq(receive_fds(s[1], c, 2, got, MOST, &count, &flags), 2);
	expect_eq(count, 0);
	expect_eq(receive_fds(s[1], c, 1, got, MOST, &count, &flags), 1);
	expect_eq(count, 0);
	expect(receive_fds(s[1], c, 16, got, MOST, &count, &flags) >= 2);
	expect_eq(count, 1);
	close(got[0]);
	expect_eq(send_fds(s[0], "i", 1, &fd, 1), 1);
	expect(read(s[1], c, 16) >= 1); /* who reads without looking closes them */
	close(s[0]), close(s[1]);
	close(fd);
}

TEST(descriptors_without_room_are_closed)
{
	int s[2], p[2], fds[3], got[MOST], flags;
	unsigned count;
	char c;

	require(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s) && !pipe(p));
	fds[0] = fds[1] = fds[2] = p[1];
	expect_eq(send_fds(s[0], "a", 1, fds, 3), 1);
	expect_eq(send_fds(s[0], "b", 1, fds, 3), 1);
	close(p[1]);
	expect_eq(receive_fds(s[1], &c, 1, got, 1, &count, &flags), 1);
	expect_eq(count, 1);
	expect_eq(flags, MSG_CTRUNC);
	close(got[0]);
	expect_eq(receive_fds(s[1], &c, 1, got, 0, &count, &flags), 1);
	expect_eq(count, 0);
	expect_eq(flags, MSG_CTRUNC);
	expect_eq(read(p[0], &c, 1), 0); /* nobody has the other end any more */
	close(p[0]);
	close(s[0]), close(s[1]);
}

TEST(descriptors_that_nobody_takes_end_with_the_socket)
{
	int s[2], p[2];
	char c;

	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, s) && !pipe(p));
	expect_eq(send_fds(s[0], "a", 1, &p[1], 1), 1);
	close(p[1]);
	close(s[0]), close(s[1]);
	expect_eq(read(p[0], &c, 1), 0);
	close(p[0]);
}

TEST(what_is_not_sent_takes_nothing_along)
{
	int s[2], p[2], bad = 1000;
	char c;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) && !pipe(p));
	expect_eq(send_fds(s[0], "a", 1, &bad, 1), -EBADF);
	while (write(s[0], "0123456789abcdef", 16) == 16)
		;
	while (write(s[0], "0", 1) == 1)
		;
	expect_eq(send_fds(s[0], "a", 1, &p[1], 1), -EAGAIN);
	close(s[1]);
	expect_eq(send_fds(s[0], "a", 1, &p[1], 1), -EPIPE);
	close(p[1]);
	expect_eq(read(p[0], &c, 1), 0);
	close(p[0]), close(s[0]);
}

TEST(a_descriptor_of_another_process)
{
	int s[2], status = -1, pid, got[MOST], flags;
	unsigned count;
	char c[8];

	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = fork();
	if (pid == 0) {
		int fd = open(scratch("passed"), O_RDWR | O_CREAT | O_TRUNC, 0600);

		_exit(write(fd, "passed", 6) != 6 || send_fds(s[1], "f", 1, &fd, 1) != 1);
	}
	expect_eq(receive_fds(s[0], c, 1, got, MOST, &count, &flags), 1);
	require(expect_eq(count, 1));
	expect_eq(waitpid(pid, &status, 0), pid);
	expect_eq(status, 0);
	expect_eq(pread(got[0], c, 8, 0), 6);
	expect_eq(memcmp(c, "passed", 6), 0);
	unlink(scratch("passed"));
	close(got[0]), close(s[0]), close(s[1]);
}

TEST(who_is_at_the_other_end)
{
	struct ucred cred = { -1, 1, 1 };
	socklen_t size = sizeof(cred);
	int s[2];

	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	expect_eq(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &size), 0);
	expect_eq(cred.pid, getpid());
	expect_eq(cred.uid, getuid());
	close(s[0]), close(s[1]);
}

/* Two that send, two that receive, with descriptors; what is left is free again. */
static void *pass_on(void *arg)
{
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; i < 300; i++)
		send_fds(((int *)arg)[0], "abcdef", (size_t)i % 6 + 1, &fd, 1);
	close(fd);
	return NULL;
}

static void *take_all(void *arg)
{
	int got[MOST], flags;
	unsigned count;
	char c[5];

	while (receive_fds(((int *)arg)[1], c, 5, got, MOST, &count, &flags) > 0)
		while (count)
			close(got[--count]);
	return NULL;
}

TEST(many_at_once)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	for (int t = 0; t < 2; t++) {
		int before = dup(0), after, s[2];
		pthread_t threads[4];

		close(before);
		require(!socketpair(AF_UNIX, types[t], 0, s));
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, i < 2 ? pass_on : take_all, s);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		shutdown(s[0], SHUT_WR);
		pthread_join(threads[2], NULL);
		pthread_join(threads[3], NULL);
		close(s[0]), close(s[1]);
		after = dup(0);
		close(after);
		expect_eq(after, before);
	}
}
