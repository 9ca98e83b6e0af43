/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a server's answer, and the values in them by themselves. */
#include "fuzz/fuzz.h"
#include "net/response.h"
#include "net/url.h"

static void check_texts(const struct bake_response *response)
{
	CLAIM(memchr(response->content_type, 0, sizeof(response->content_type)));
	CLAIM(memchr(response->content_encoding, 0, sizeof(response->content_encoding)));
	CLAIM(memchr(response->error_code, 0, sizeof(response->error_code)));
	CLAIM(memchr(response->error_message, 0, sizeof(response->error_message)));
	CLAIM(memchr(response->request_id, 0, sizeof(response->request_id)));
	CLAIM(memchr(response->location, 0, sizeof(response->location)));
	CLAIM(memchr(response->link_next, 0, sizeof(response->link_next)));
	CLAIM(memchr(response->etag.value, 0, sizeof(response->etag.value)));
	CLAIM(memchr(response->linked_etag.value, 0, sizeof(response->linked_etag.value)));
	CLAIM(response->header_count <= BAKE_HEADERS_COUNT_MAX);
	CLAIM(response->header_bytes <= BAKE_HEADERS_BYTES_MAX);
	CLAIM(response->status <= 999);
}

static void check_range(const struct bake_content_range *range)
{
	CLAIM(range->present || !range->valid);
	if (!range->valid)
		return;
	CLAIM(range->first <= range->last);
	CLAIM(!range->has_total || range->last < range->total);
}

static void check_values(const char *text, size_t len)
{
	struct bake_content_range range = {.present = false};
	char link[40];
	uint64_t ms = 0;

	keep(bake_content_range_parse(text, len, &range));
	check_range(&range);
	if (bake_retry_after_parse(text, len, 1700000000, &ms))
		CLAIM(ms <= 24U * 60 * 60 * 1000);
	if (bake_link_next_parse(text, len, link, sizeof(link)))
		CLAIM(memchr(link, 0, sizeof(link)));
}

static void check_errors(const struct bake_response *response)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t ms;

	CLAIM(!succeeded(bake_response_error(response, "https://host/a", &err), &err));
	if (bake_response_wait_ms(response, &ms))
		CLAIM(ms <= 24U * 60 * 60 * 1000);
	keep(succeeded(bake_url_resolve("https://host/a", response->location, &url, &err), &err));
	keep(succeeded(bake_url_resolve("https://host/a", response->link_next, &url, &err), &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	struct bake_response response = {.status = 0};
	struct bake_error err = BAKE_ERROR_INIT;
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t len = end ? (size_t)(end - text) + 1 - at : size - at;
		/* Of its own, so that reading on into the next line is seen. */
		_cleanup_free_ char *line = text_of((const uint8_t *)text + at, len);

		check_values(line, len);
		if (!succeeded(bake_response_header(&response, bake_span(line, len), &err), &err))
			break;
		check_texts(&response);
		check_range(&response.range);
		at += len;
	}
	check_errors(&response);
	return 0;
}
