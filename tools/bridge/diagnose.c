// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "diagnose.h"
#include "tls.h"

/* Connects a socket to an address.  Returns it, or -1 and errno. */
static int try_address(const struct addrinfo *address, uint64_t limit)
{
	struct timeval time = { .tv_sec = (time_t)(limit / NS_PER_S),
				.tv_usec = (suseconds_t)(limit % NS_PER_S / 1000) };
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC,
			address->ai_protocol);
	int error;

	if (fd < 0)
		return -1;
	/* This also limits connect(2), which then fails with EINPROGRESS. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	if (!connect(fd, address->ai_addr, address->ai_addrlen))
		return fd;
	error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = error;
	return -1;
}

static const char *cure_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "nothing listens there: is the broker running, and is this its port?";
	case ETIMEDOUT:
		return "nothing answers: is the machine up, or is there a firewall?";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "is the network of this machine up?";
	default:
		return "check the URI= in the file";
	}
}

int diagnose(const struct conf *conf, const struct uri *uri, char *wrong, size_t room)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *addresses, *address;
	int fd = -1, error = 0, result;
	char port[16];

	snprintf(port, sizeof(port), "%d", uri->port);
	result = getaddrinfo(uri->host, port, &hints, &addresses);
	if (result) {
		snprintf(wrong, room,
			 "%s: the address of this name cannot be found: %s (check the URI=, and the name service)",
			 uri->host, result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
		return 1;
	}
	for (address = addresses; address && fd < 0; address = address->ai_next) {
		fd = try_address(address, conf->broker.connect_limit);
		error = fd < 0 ? errno : 0;
	}
	freeaddrinfo(addresses);
	if (fd < 0) {
		snprintf(wrong, room, "%s:%d: %s (%s)", uri->host, uri->port, strerror(error),
			 cure_of(error));
		return 1;
	}
	result = uri->tls && tls_diagnose(fd, conf, uri, wrong, room);
	close(fd);
	return result;
}

/* Appends the cure to the words of the broker. */
static void add_cure(struct connection *connection, const char *cure)
{
	size_t at = strlen(connection->wrong);

	snprintf(connection->wrong + at, sizeof(connection->wrong) - at, " (%s)", cure);
}

void explain_close(struct connection *connection, const char *words)
{
	snprintf(connection->wrong, sizeof(connection->wrong), "%s: the broker says: %s",
		 connection->where, words);
	if (connection->lost == LOST_LOGIN)
		add_cure(connection,
			 "the broker does not know that user, or not with that password: see CREDENTIALS in tqueue-bridge(8)");
	else if (connection->lost == LOST_VHOST)
		add_cure(connection,
			 "the URI= must end with the name of an existing virtual host, and 'rabbitmqctl set_permissions' gives a user rights in it");
	else if (connection->code == 403)
		add_cure(connection,
			 "'rabbitmqctl set_permissions' at the broker gives a user rights");
	else if (connection->code == 404)
		add_cure(connection,
			 "create it at the broker, or correct the name in the file");
	else if (connection->code == 320)
		add_cure(connection, "the broker or its administrator ended the connection");
}
