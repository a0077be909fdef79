/* SPDX-License-Identifier: BSD-2-Clause */
/* Stream sockets between programs: pairs, names, connections, shutdown. Linux: man 7 unix. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static struct sockaddr_un address;
static socklen_t length;

static void name_path(void)
{
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scratch("sock"));
	length = sizeof(address);
}

static void name_abstract(void)
{
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, "\0stet-test", 10);
	length = offsetof(struct sockaddr_un, sun_path) + 10;
}

static int stream(int flags)
{
	return (int)sys(__NR_socket, AF_UNIX, SOCK_STREAM | flags, 0);
}

static int listener(void)
{
	int fd = stream(SOCK_CLOEXEC);

	expect_eq(sys(__NR_bind, fd, &address, length), 0);
	expect_eq(sys(__NR_listen, fd, 5), 0);
	return fd;
}

static int poll_now(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

TEST(a_pair_talks_both_ways)
{
	int s[2];
	char got[16] = { 0 };
	struct stat st;

	require(!sys(__NR_socketpair, AF_UNIX, SOCK_STREAM, 0, s));
	expect_eq(write(s[0], "ping", 4), 4);
	expect_eq(poll_now(s[1]), POLLIN | POLLOUT);
	expect_eq(read(s[1], got, 16), 4);
	expect_eq(send(s[1], "pong!", 5, 0), 5);
	expect_eq(recv(s[0], got, 16, 0), 5);
	expect_eq(memcmp(got, "pong!", 5), 0);
	expect_eq(sys(__NR_recvfrom, s[0], got, 16, MSG_DONTWAIT, 0, 0), -EAGAIN);
	expect_eq(sys(__NR_lseek, s[0], 0, 0), -ESPIPE);
	expect_eq(fstat(s[0], &st), 0);
	expect(S_ISSOCK(st.st_mode));
	close(s[0]);
	expect_eq(read(s[1], got, 16), 0);
	expect_eq(poll_now(s[1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	expect_eq(sys(__NR_sendto, s[1], "x", 1, MSG_NOSIGNAL, 0, 0), -EPIPE);
	close(s[1]);
}

TEST(shutdown_ends_one_direction)
{
	int s[2];
	char c;

	require(!sys(__NR_socketpair, AF_UNIX, SOCK_STREAM, 0, s));
	expect_eq(write(s[0], "x", 1), 1);
	expect_eq(shutdown(s[0], SHUT_WR), 0);
	expect_eq(read(s[1], &c, 1), 1);
	expect_eq(read(s[1], &c, 1), 0);
	expect_eq(poll_now(s[1]), POLLIN | POLLOUT | POLLRDHUP);
	expect_eq(write(s[1], "y", 1), 1);
	expect_eq(read(s[0], &c, 1), 1);
	signal(SIGPIPE, SIG_IGN);
	expect_eq(sys(__NR_write, s[0], "x", 1), -EPIPE);
	expect_eq(sys(__NR_shutdown, s[0], 7), -EINVAL);
	close(s[0]);
	close(s[1]);
}

static void *serve(void *arg)
{
	int fd = (int)sys(__NR_accept4, *(int *)arg, 0, 0, SOCK_CLOEXEC);
	char got[4];

	if (fd < 0 || read(fd, got, 4) != 4 || write(fd, got, 4) != 4)
		return NULL;
	close(fd);
	return arg;
}

static void connection(void)
{
	int server = listener(), client = stream(0);
	pthread_t thread;
	void *ok;
	char got[8];
	struct sockaddr_un name;
	socklen_t size = sizeof(name);

	expect_eq(poll_now(server), 0);
	pthread_create(&thread, NULL, serve, &server);
	expect_eq(sys(__NR_connect, client, &address, length), 0);
	expect_eq(sys(__NR_connect, client, &address, length), -EISCONN);
	expect_eq(write(client, "abcd", 4), 4);
	expect_eq(read(client, got, 8), 4);
	expect_eq(read(client, got, 8), 0);
	pthread_join(thread, &ok);
	expect(ok != NULL);
	expect_eq(sys(__NR_getpeername, client, &name, &size), 0);
	expect_eq(name.sun_family, AF_UNIX);
	expect_eq(memcmp(name.sun_path, address.sun_path, 10), 0);
	size = sizeof(name);
	expect_eq(sys(__NR_getsockname, client, &name, &size), 0);
	expect_eq(size, 2);
	close(client);
	close(server);
}

TEST(a_connection_by_path)
{
	struct stat st;
	int fd;

	name_path();
	unlink(address.sun_path);
	connection();
	expect_eq(stat(address.sun_path, &st), 0);
	expect(S_ISSOCK(st.st_mode));
	fd = stream(0);
	expect_eq(sys(__NR_connect, fd, &address, length), -ECONNREFUSED);
	expect_eq(sys(__NR_bind, fd, &address, length), -EADDRINUSE);
	expect_eq(sys(__NR_openat, AT_FDCWD, address.sun_path, O_RDWR, 0), -ENXIO);
	unlink(address.sun_path);
	expect_eq(sys(__NR_connect, fd, &address, length), -ENOENT);
	close(fd);
}

TEST(a_connection_by_abstract_name)
{
	int fd;

	name_abstract();
	connection();
	fd = stream(0);
	expect_eq(sys(__NR_connect, fd, &address, length), -ECONNREFUSED);
	close(fd);
}

TEST(waiting_connections)
{
	int server, a, b, fd;
	char c;

	name_abstract();
	server = listener();
	fcntl(server, F_SETFL, O_NONBLOCK);
	expect_eq(sys(__NR_accept, server, 0, 0), -EAGAIN);
	a = stream(0);
	b = stream(0);
	expect_eq(sys(__NR_connect, a, &address, length), 0);
	expect_eq(sys(__NR_connect, b, &address, length), 0);
	expect_eq(poll_now(server), POLLIN);
	expect_eq(write(a, "a", 1), 1);
	expect_eq(write(b, "b", 1), 1);
	fd = (int)sys(__NR_accept, server, 0, 0);
	expect_eq(read(fd, &c, 1), 1);
	expect_eq(c, 'a');
	close(server);
	signal(SIGPIPE, SIG_IGN);
	expect(sys(__NR_write, b, "b", 1) < 0); /* never accepted: gone with the listener */
	close(fd);
	close(a);
	close(b);
}

TEST(messages_in_pieces)
{
	int s[2];
	char a[3], b[8];
	struct iovec out[] = { { "hello ", 6 }, { "world", 5 } }, in[] = { { a, 3 }, { b, 8 } };
	struct msghdr send = { .msg_iov = out, .msg_iovlen = 2 };
	struct msghdr receive = { .msg_iov = in, .msg_iovlen = 2 };

	require(!sys(__NR_socketpair, AF_UNIX, SOCK_STREAM, 0, s));
	expect_eq(sys(__NR_sendmsg, s[0], &send, 0), 11);
	expect_eq(sys(__NR_recvmsg, s[1], &receive, 0), 11);
	expect(!memcmp(a, "hel", 3) && !memcmp(b, "lo world", 8));
	expect_eq(receive.msg_namelen, 0);
	close(s[0]);
	close(s[1]);
}

TEST(wrong_calls)
{
	int fd = stream(0), value = -1, p[2];
	socklen_t size = sizeof(value);
	char c;

	name_abstract();
	expect_eq(sys(__NR_socket, 99, SOCK_STREAM, 0), -EAFNOSUPPORT);
	expect_eq(sys(__NR_accept, fd, 0, 0), -EINVAL);
	expect_eq(sys(__NR_listen, 900, 1), -EBADF);
	expect_eq(sys(__NR_listen, fd, 1), -EINVAL);
	expect_eq(sys(__NR_read, fd, &c, 1), -EINVAL);
	expect_eq(sys(__NR_sendto, fd, "x", 1, MSG_NOSIGNAL, 0, 0), -ENOTCONN);
	expect_eq(sys(__NR_bind, fd, &address, 2000), -EINVAL);
	expect_eq(sys(__NR_bind, fd, 8, length), -EFAULT);
	expect_eq(sys(__NR_shutdown, fd, SHUT_RD), 0);
	expect_eq(sys(__NR_getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &size), 0);
	expect_eq(value, SOCK_STREAM);
	expect_eq(sys(__NR_getsockopt, fd, SOL_SOCKET, SO_ERROR, &value, &size), 0);
	expect_eq(value, 0);
	require(!pipe(p));
	expect_eq(sys(__NR_bind, p[0], &address, length), -ENOTSOCK);
	close(fd);
}
