/* SPDX-License-Identifier: GPL-2.0-only */
/* librabbitmq's headers, which newer releases have in a directory of their own. */
#ifndef RABBIT_H
#define RABBIT_H

#if __has_include("rabbitmq-c/amqp.h")
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <sys/time.h>
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#endif /* RABBIT_H */
