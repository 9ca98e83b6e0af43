/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "base/text.h"

uint64_t bake_clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t bake_clock_ms(void)
{
	return bake_clock_us() / 1000;
}

enum bake_status bake_clock_source_date(int64_t *out, struct bake_error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds = 0;

	if (text && text[0] != '\0' &&
		(!bake_number_parse(text, strlen(text), &seconds) || seconds >> 38))
		return bake_error_set(err, BAKE_ERR_CONFIG, "config.source-date-epoch",
			"SOURCE_DATE_EPOCH is not a number of seconds: '%s'", BAKE_SHOW(text));
	*out = (int64_t)seconds;
	return BAKE_OK;
}

const char *bake_time_format(int64_t seconds, char text[BAKE_TIME_TEXT])
{
	time_t when = (time_t)seconds;
	struct tm parts;

	text[0] = '\0';
	if (gmtime_r(&when, &parts))
		(void)strftime(text, BAKE_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}
