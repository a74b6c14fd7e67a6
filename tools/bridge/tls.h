/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TLS_H
#define TLS_H

#include "conf.h"
#include "rabbit.h"
#include "uri.h"

/* Makes a socket with TLS for librabbitmq.  Returns NULL and what is wrong on failure. */
amqp_socket_t *tls_socket(amqp_connection_state_t state, const struct conf *conf,
			  const struct uri *uri, char *wrong, size_t room);

/*
 * Does the TLS handshake on a connected socket, and checks the certificate.  Returns 0, or
 * -1 and what is wrong, with the cure.
 */
int tls_diagnose(int fd, const struct conf *conf, const struct uri *uri, char *wrong, size_t room);

#endif /* TLS_H */
