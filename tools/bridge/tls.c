// SPDX-License-Identifier: GPL-2.0-only
/* TLS.  The errors of librabbitmq do not distinguish causes, so OpenSSL is asked. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls.h"

static const char *ssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "unknown reason";
}

static int is_address(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/*
 * Puts the trusted certificates and our own into a context.  Returns 0, or -1 and what is
 * wrong.
 */
static int configure(SSL_CTX *context, const struct conf *conf, const struct uri *uri,
		     char *wrong, size_t room)
{
	const struct conf_broker *broker = &conf->broker;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);

	ERR_clear_error();
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	if (SSL_CTX_load_verify_locations(context, broker->ca_file, NULL) != 1) {
		if (access(broker->ca_file, R_OK))
			snprintf(wrong, room,
				 "cannot read %s, which has the trusted certificates (install ca-certificates, or set CAFile=)",
				 broker->ca_file);
		else
			snprintf(wrong, room, "%s has no certificates that could be read (%s)",
				 broker->ca_file, ssl_reason());
		return -1;
	}
	/* librabbitmq does not compare addresses with the certificate, so OpenSSL must. */
	if (is_address(uri->host))
		X509_VERIFY_PARAM_set1_ip_asc(param, uri->host);
	else
		X509_VERIFY_PARAM_set1_host(param, uri->host, 0);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (!*broker->certificate_file)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, broker->certificate_file) != 1) {
		snprintf(wrong, room, "cannot use the certificate in CertificateFile=%s: %s",
			 broker->certificate_file, ssl_reason());
		return -1;
	}
	if (SSL_CTX_use_PrivateKey_file(context, broker->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1) {
		snprintf(wrong, room, "cannot use the key in KeyFile=%s: %s", broker->key_file,
			 ssl_reason());
		return -1;
	}
	return 0;
}

amqp_socket_t *tls_socket(amqp_connection_state_t state, const struct conf *conf,
			  const struct uri *uri, char *wrong, size_t room)
{
	amqp_socket_t *socket = amqp_ssl_socket_new(state);

	if (!socket)
		return NULL;
	amqp_ssl_socket_set_verify_peer(socket, 1);
	amqp_ssl_socket_set_verify_hostname(socket, 0);
	if (configure(amqp_ssl_socket_get_context(socket), conf, uri, wrong, room))
		return NULL;
	return socket;
}

static void time_text(const ASN1_TIME *time, char *text, size_t room)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 || !strftime(text, room, "%F %T UTC", &tm))
		snprintf(text, room, "an unknown time");
}

static void add(char *to, size_t room, const char *separator, const char *text, size_t length)
{
	size_t at = strlen(to);

	snprintf(to + at, room - at, "%s%.*s", *to ? separator : "", (int)length, text);
}

/* Writes the names that a certificate is for. */
static void names_of(X509 *certificate, char *text, size_t room)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	const ASN1_STRING *string;
	const GENERAL_NAME *name;
	char address[INET6_ADDRSTRLEN], common[256];
	int i;

	*text = '\0';
	for (i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS) {
			string = name->d.dNSName;
			add(text, room, ", ", (const char *)ASN1_STRING_get0_data(string),
			    (size_t)ASN1_STRING_length(string));
		} else if (name->type == GEN_IPADD) {
			string = name->d.iPAddress;
			if (inet_ntop(ASN1_STRING_length(string) == 4 ? AF_INET : AF_INET6,
				      ASN1_STRING_get0_data(string), address, sizeof(address)))
				add(text, room, ", ", address, strlen(address));
		}
	}
	GENERAL_NAMES_free(names);
	if (!*text && X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
						NID_commonName, common, sizeof(common)) > 0)
		add(text, room, "", common, strlen(common));
	if (!*text)
		snprintf(text, room, "no name");
}

/* Keeps the certificate for messages, because OpenSSL keeps no invalid one. */
static int keep_certificate(int good, X509_STORE_CTX *context)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get0_cert(context);

	if (ssl && certificate && !SSL_get_app_data(ssl) && X509_up_ref(certificate))
		SSL_set_app_data(ssl, (char *)certificate);
	return good;
}

static void explain_certificate(const X509 *shown, long verified, const struct conf *conf,
				const struct uri *uri, char *wrong, size_t room)
{
	X509 *certificate = (X509 *)shown;
	char from[64], until[64], names[512], issuer[256] = "somebody";

	if (!certificate) {
		snprintf(wrong, room, "%s:%d: the broker shows no certificate", uri->host,
			 uri->port);
		return;
	}
	time_text(X509_get0_notBefore(certificate), from, sizeof(from));
	time_text(X509_get0_notAfter(certificate), until, sizeof(until));
	names_of(certificate, names, sizeof(names));
	X509_NAME_oneline(X509_get_issuer_name(certificate), issuer, sizeof(issuer));
	switch (verified) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(wrong, room,
			 "%s:%d: the certificate of the broker, or of its authority, has expired; the broker's own was good from %s until %s (it needs a new one, unless the clock of this machine is wrong)",
			 uri->host, uri->port, from, until);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(wrong, room,
			 "%s:%d: the certificate of the broker is not valid before %s (is the clock of this machine right?)",
			 uri->host, uri->port, from);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(wrong, room,
			 "%s:%d: the certificate of the broker is for %s, not for %s (use such a name in URI=, or another certificate)",
			 uri->host, uri->port, names, uri->host);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		snprintf(wrong, room,
			 "%s:%d: the certificate of the broker is signed by %s, which %s does not contain: %s (set CAFile= to the certificate of that authority)",
			 uri->host, uri->port, issuer, conf->broker.ca_file,
			 X509_verify_cert_error_string(verified));
		break;
	default:
		snprintf(wrong, room,
			 "%s:%d: the certificate of the broker (for %s, until %s) is not valid: %s",
			 uri->host, uri->port, names, until,
			 X509_verify_cert_error_string(verified));
		break;
	}
}

static int shake_hands(SSL *ssl, int fd, const struct conf *conf, const struct uri *uri,
		       char *wrong, size_t room)
{
	long verified;

	SSL_set_fd(ssl, fd);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, keep_certificate);
	/* Server name indication takes names only, no addresses. */
	if (!is_address(uri->host))
		SSL_set_tlsext_host_name(ssl, uri->host);
	ERR_clear_error();
	if (SSL_connect(ssl) == 1)
		return 0;
	verified = SSL_get_verify_result(ssl);
	if (verified != X509_V_OK)
		explain_certificate((X509 *)SSL_get_app_data(ssl), verified, conf, uri, wrong,
				    room);
	else if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER)
		snprintf(wrong, room,
			 "%s:%d: it does not speak TLS (is it the port of amqp, 5672, instead of that of amqps, 5671?)",
			 uri->host, uri->port);
	else if (!ERR_peek_last_error())
		snprintf(wrong, room,
			 "%s:%d: it ended the connection instead of beginning TLS, or did not answer in time (is it the port of amqps, 5671?)",
			 uri->host, uri->port);
	else
		snprintf(wrong, room, "%s:%d: TLS failed: %s", uri->host, uri->port, ssl_reason());
	return -1;
}

int tls_diagnose(int fd, const struct conf *conf, const struct uri *uri, char *wrong, size_t room)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = NULL;
	int result = -1;

	if (context && !configure(context, conf, uri, wrong, room)) {
		ssl = SSL_new(context);
		if (ssl)
			result = shake_hands(ssl, fd, conf, uri, wrong, room);
	}
	if (ssl)
		X509_free((X509 *)SSL_get_app_data(ssl));
	SSL_free(ssl);
	SSL_CTX_free(context);
	return result;
}
