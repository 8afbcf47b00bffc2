/* Times, durations and sizes between text and number. The calendar is computed here: the C library's time functions
 * depend on the environment's time zone and do not read fractions. */
#include "base/timestamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

/* Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day ends one. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; /* months since March */
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Writes `value` with leading zeros, then `end`; returns the place behind. */
static char *put_number(char *out, int64_t value, int digits, char end)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    out[digits] = end;
    return out + digits + 1;
}

void timestamp_format(int64_t time_ms, char *out)
{
    if (time_ms < FIRST_MS)
        time_ms = FIRST_MS;
    if (time_ms > LAST_MS)
        time_ms = LAST_MS;
    int64_t days = time_ms / DAY_MS - (time_ms % DAY_MS < 0);
    int64_t rest = time_ms - days * DAY_MS;
    int64_t year, month, day;
    date_from_days(days, &year, &month, &day);
    out = put_number(out, year, 4, '-');
    out = put_number(out, month, 2, '-');
    out = put_number(out, day, 2, 'T');
    out = put_number(out, rest / 3600000, 2, ':');
    out = put_number(out, rest / 60000 % 60, 2, ':');
    out = put_number(out, rest / 1000 % 60, 2, '.');
    out = put_number(out, rest % 1000, 3, 'Z');
    *out = '\0';
}

/* Exactly `digits` of them; moves *text behind them. */
static bool take_number(const char **text, int digits, int64_t *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *out = *out * 10 + (**text - '0');
    }
    return true;
}

static bool take_char(const char **text, const char *allowed)
{
    if (**text == '\0' || !strchr(allowed, **text))
        return false;
    (*text)++;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    int64_t next_year = month == 12 ? year + 1 : year;
    int64_t next_month = month == 12 ? 1 : month + 1;
    return days_from_date(next_year, next_month, 1) - days_from_date(year, month, 1);
}

static bool take_date(const char **text, int64_t *days)
{
    int64_t year, month, day;
    if (!take_number(text, 4, &year) || !take_char(text, "-") || !take_number(text, 2, &month) ||
        !take_char(text, "-") || !take_number(text, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_date(year, month, day);
    return true;
}

/* Second 60 is allowed here; whether it can be a leap second is known once the offset is. */
static bool take_time(const char **text, int64_t *out_ms)
{
    int64_t hour, minute, second, fraction_ms = 0;
    if (!take_number(text, 2, &hour) || !take_char(text, ":") || !take_number(text, 2, &minute) ||
        !take_char(text, ":") || !take_number(text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    if (take_char(text, ".")) {
        if (**text < '0' || **text > '9')
            return false;
        for (int64_t weight = 100; **text >= '0' && **text <= '9'; (*text)++, weight /= 10)
            fraction_ms += (**text - '0') * weight;
    }
    *out_ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction_ms;
    return true;
}

static bool take_offset(const char **text, int64_t *out_ms)
{
    *out_ms = 0;
    if (take_char(text, "Zz"))
        return true;
    int64_t sign = **text == '-' ? -1 : 1;
    int64_t hour, minute;
    if (!take_char(text, "+-") || !take_number(text, 2, &hour) || !take_char(text, ":") ||
        !take_number(text, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *out_ms = sign * (hour * 60 + minute) * 60000;
    return true;
}

enum status timestamp_parse(const char *text, int64_t *out_ms)
{
    int64_t days, time_ms, offset_ms;
    if (!take_date(&text, &days) || !take_char(&text, "Tt"))
        return STATUS_INVALID;
    bool is_leap_second = strlen(text) >= 8 && memcmp(text + 6, "60", 2) == 0;
    if (!take_time(&text, &time_ms) || !take_offset(&text, &offset_ms) || *text != '\0')
        return STATUS_INVALID;
    int64_t result = days * DAY_MS + time_ms - offset_ms;
    int64_t second_of_day = (result / 1000 % 86400 + 86400) % 86400;
    if (is_leap_second && second_of_day != 0)
        return STATUS_INVALID; /* leap seconds end a day of UTC */
    if (result < FIRST_MS || result > LAST_MS)
        return STATUS_INVALID;
    *out_ms = result;
    return STATUS_OK;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},   {"m", 60000},
                                             {"h", 3600000}, {"d", DAY_MS}, {NULL, 0}};
static const struct unit size_units[] = {{"", 1}, {"k", 1024}, {"K", 1024}, {"m", 1048576}, {"M", 1048576}, {NULL, 0}};

static enum status parse_with_unit(const char *text, const struct unit *units, int64_t *out)
{
    int64_t number = 0;
    const char *digits = text;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *text - '0', &number))
            return STATUS_INVALID;
    if (text == digits)
        return STATUS_INVALID;
    for (; units->name; units++)
        if (strcmp(text, units->name) == 0)
            return __builtin_mul_overflow(number, units->factor, out) ? STATUS_INVALID : STATUS_OK;
    return STATUS_INVALID;
}

enum status duration_parse(const char *text, int64_t *out_ms)
{
    return parse_with_unit(text, duration_units, out_ms);
}

enum status size_parse(const char *text, int64_t *out_bytes)
{
    return parse_with_unit(text, size_units, out_bytes);
}
