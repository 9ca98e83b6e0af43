/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url_secret.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/show_url.h"
#include "base/text.h"

/* Names of query parameters whose values open doors. */
static const char *const secret_names[] = {"token", "access_token", "auth", "api_key", "apikey",
	"key", "password", "secret", "sig", "signature", "x-amz-signature", "x-amz-security-token",
	"x-goog-signature", "awsaccesskeyid"};

static bool is_secret_name(const char *name, size_t len)
{
	for (size_t i = 0; i < countof(secret_names); i++) {
		if (strlen(secret_names[i]) == len && strncasecmp(name, secret_names[i], len) == 0)
			return true;
	}
	return false;
}

static bool has_secret_query(const char *url)
{
	const char *at = strchr(url, '?');

	while (at) {
		size_t len = strcspn(++at, "=&#");

		if (at[len] == '=' && is_secret_name(at, len))
			return true;
		at += strcspn(at, "&#");
		if (*at != '&')
			break;
	}
	return false;
}

/* Where the authority of a URL that has one begins, and how long it is; else the URL itself and 0.
 * Wherever a parser may see one, also behind one slash or three, behind two schemes, or none: a
 * password in a slip of the fingers is a password, too. "://" behind "/", "?" or "#" is a part of
 * those. */
static const char *authority_of(const char *url, size_t *out_len)
{
	size_t slash = strcspn(url, "/?#");
	bool absolute = slash > 0 && url[slash - 1] == ':' && url[slash] == '/';
	const char *authority = url + slash + strspn(url + slash, "/");

	*out_len = 0;
	if (!absolute && !bake_text_starts(url, "//"))
		return url;
	*out_len = strcspn(authority, "/?#");
	return authority;
}

enum bake_status bake_url_check_secret(const char *url, struct bake_error *err)
{
	size_t len;
	const char *authority = authority_of(url, &len);
	const char *what = NULL;

	if (memchr(authority, '@', len))
		what = "a user name or password";
	else if (has_secret_query(url))
		what = "a token or signature";
	if (!what)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_POLICY, "policy.secret-in-url", "the URL '%s' contains %s",
		BAKE_SHOW_URL(url), what);
	return bake_error_hint(err, "what is in a URL ends up in locks and logs; use --token-file");
}
