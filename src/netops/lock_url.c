/* SPDX-License-Identifier: Apache-2.0 */
/* Pinning files at plain URLs. */
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "manifest/paths.h"
#include "net/retry.h"
#include "netops/locking.h"

static enum bake_status name_in_url(
	struct bake_locking *locking, const char *url, const char **out, struct bake_error *err)
{
	size_t len;
	const char *name = bake_url_file_name(url, &len);

	if (!name) {
		bake_error_set(err, BAKE_ERR_DATA, "url.name",
			"no file name can be taken from '%s'", BAKE_SHOW_URL(url));
		return bake_error_hint(
			err, "name it: \"files\": [{\"name\": \"...\"}], in the manifest");
	}
	*out = bake_arena_copy(&locking->lock->arena, name, len);
	return *out ? BAKE_OK : bake_error_nomem(err);
}

/* The URL of one file: the source itself, or below it when that ends in "/". */
static enum bake_status file_url(struct bake_locking *locking, const struct bake_model *model,
	const char *name, const char *const **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	const char **list = bake_arena_array(&locking->lock->arena, 1, sizeof(*list));

	bake_buf_text(&url, model->source.location);
	if (bake_text_ends(model->source.location, "/"))
		bake_url_escape(&url, name, true);
	BAKE_TRY(bake_buf_status(&url, "URL", err));
	BAKE_TRY(bake_url_check_secret(url.ptr, err));
	if (!list)
		return bake_error_nomem(err);
	list[0] = bake_arena_text(&locking->lock->arena, url.ptr);
	*out = list;
	return list[0] ? BAKE_OK : bake_error_nomem(err);
}

struct probe {
	struct bake_error error;
	struct bake_response response;
	uint64_t size;
	bool known;
	bool finished;
};

/* The head says it; the body is not wanted. */
static enum bake_status on_head(
	void *context, const struct bake_response *response, struct bake_error *err)
{
	struct probe *probe = context;

	if (response->status == 206 && response->range.valid && response->range.has_total) {
		probe->size = response->range.total;
		probe->known = true;
	} else if (response->status == 200 && response->has_length) {
		probe->size = response->length;
		probe->known = true;
	}
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.no-length",
		"the server does not say how large the file is");
}

static enum bake_status on_body(void *context, struct bake_span bytes, struct bake_error *err)
{
	(void)context;
	(void)bytes;
	(void)err;
	return BAKE_OK;
}

static void on_done(
	void *context, const struct bake_response *response, const struct bake_error *error)
{
	struct probe *probe = context;

	probe->response = *response;
	probe->finished = true;
	if (error)
		probe->error = *error;
}

/* A digest is known, the size is not: asked for with the shortest range. */
static enum bake_status probe_once(struct bake_http *http, const char *url, uint64_t *out,
	struct bake_response *out_response, struct bake_error *err)
{
	struct probe probe = {.error = BAKE_ERROR_INIT};
	struct bake_http_request request = {.url = url, .has_range = true};
	struct bake_http_handler handler = {
		.context = &probe, .head = on_head, .body = on_body, .done = on_done};
	struct bake_exchange *exchange = NULL;

	BAKE_TRY(bake_http_start(http, &request, &handler, &exchange, err));
	while (!probe.finished) {
		enum bake_status status = bake_stop_check(err);

		if (status == BAKE_OK)
			status = bake_http_poll(http, 100, err);
		if (status != BAKE_OK) {
			if (!probe.finished)
				bake_exchange_cancel(&exchange);
			return status;
		}
	}
	*out_response = probe.response;
	if (!probe.known) {
		*err = probe.error;
		return err->status;
	}
	*out = probe.size;
	return BAKE_OK;
}

static enum bake_status probe_size(
	struct bake_locking *locking, const char *url, uint64_t *out, struct bake_error *err)
{
	struct bake_response response = {0};

	for (unsigned attempt = 0;; attempt++) {
		enum bake_status status = probe_once(locking->link->http, url, out, &response, err);

		if (status == BAKE_OK || !err->transient ||
			attempt == locking->options->origins.retries)
			return status;
		BAKE_TRY(bake_retry_wait(
			locking->options->events, BAKE_SHOW_URL(url), attempt + 1, &response, err));
	}
}

static enum bake_status add_file(struct bake_locking *locking, const struct bake_model *model,
	const char *name, const struct bake_manifest_file *pinned, struct bake_lock_model *entry,
	struct bake_error *err)
{
	struct bake_lock_file *file = &entry->files[entry->file_count];
	struct bake_unhashed unhashed = {
		.file = file, .url_count = 1, .has_size = pinned && pinned->has_size};

	*file = (struct bake_lock_file){.name = name};
	BAKE_TRY(bake_locking_path(locking, model,
		pinned && pinned->save_as ? pinned->save_as : name, &file->path, err));
	BAKE_TRY(file_url(locking, model, name, &unhashed.urls, err));
	entry->file_count++;
	if (pinned) {
		file->size = pinned->size;
		file->sha256 = pinned->sha256;
	}
	if (file->sha256.kind && unhashed.has_size)
		return BAKE_OK;
	BAKE_TRY(bake_locking_online(locking, model, err));
	if (!file->sha256.kind)
		return bake_locking_defer(locking, unhashed, err);
	return probe_size(locking, unhashed.urls[0], &file->size, err);
}

enum bake_status bake_locking_url(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err)
{
	const char *name;

	BAKE_TRY(bake_locking_room(locking, entry, model->file_count + 1, err));
	if (model->file_count == 0) {
		BAKE_TRY(name_in_url(locking, model->source.location, &name, err));
		return add_file(locking, model, name, NULL, entry, err);
	}
	for (size_t i = 0; i < model->file_count; i++)
		BAKE_TRY(add_file(
			locking, model, model->files[i].name, &model->files[i], entry, err));
	return BAKE_OK;
}
