/* The Retry-After header of an answer (RFC 9110, sections 10.2.3 and 5.6.7). The text comes from the receiver, so it is
 * read strictly and bounded. */
#include "model/delivery.h"

#include <string.h>

#define RETRY_AFTER_MAX_MS INT64_C(86400000)

/* What is left of the text while one of the forms is tried on it. */
struct cursor {
    const char *at;
    const char *end;
};

struct date {
    int year, month, day, hour, minute, second; /* month from 1 */
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const long_days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
enum { MONTHS = 12, DAYS = 7 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_text(struct cursor *cursor, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

/* Exactly `width` digits. */
static bool take_number(struct cursor *cursor, int width, int *out)
{
    int number = 0;
    if (cursor->end - cursor->at < width)
        return false;
    for (int i = 0; i < width; i++) {
        if (!is_digit(cursor->at[i]))
            return false;
        number = 10 * number + (cursor->at[i] - '0');
    }
    cursor->at += width;
    *out = number;
    return true;
}

static bool take_word(struct cursor *cursor, const char *const *words, int count, int *index)
{
    for (int i = 0; i < count; i++) {
        if (take_text(cursor, words[i])) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct cursor *cursor, int *month)
{
    int index;
    if (!take_word(cursor, months, MONTHS, &index))
        return false;
    *month = index + 1;
    return true;
}

static bool take_time(struct cursor *cursor, struct date *date)
{
    return take_number(cursor, 2, &date->hour) && take_text(cursor, ":") && take_number(cursor, 2, &date->minute) &&
           take_text(cursor, ":") && take_number(cursor, 2, &date->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool read_imf_fixdate(struct cursor cursor, int64_t now_ms, struct date *date)
{
    int day_name;
    (void)now_ms;
    return take_word(&cursor, days, DAYS, &day_name) && take_text(&cursor, ", ") &&
           take_number(&cursor, 2, &date->day) && take_text(&cursor, " ") && take_month(&cursor, &date->month) &&
           take_text(&cursor, " ") && take_number(&cursor, 4, &date->year) && take_text(&cursor, " ") &&
           take_time(&cursor, date) && take_text(&cursor, " GMT") && cursor.at == cursor.end;
}

/* The proleptic Gregorian calendar; years from 0. Days since 1970-01-01. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int64_t date_ms(const struct date *date)
{
    int64_t seconds =
        ((days_since_epoch(date->year, date->month, date->day) * 24 + date->hour) * 60 + date->minute) * 60;
    return (seconds + date->second) * 1000;
}

/* Two digits of a year: the one that is not more than 50 years ahead. */
static void complete_year(struct date *date, int64_t now_ms)
{
    const int64_t year_ms = INT64_C(31556952000);
    int this_year = (int)(1970 + now_ms / year_ms);
    date->year += this_year / 100 * 100 + 100;
    while (date_ms(date) > now_ms + 50 * year_ms)
        date->year -= 100;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool read_rfc850_date(struct cursor cursor, int64_t now_ms, struct date *date)
{
    int day_name;
    if (!(take_word(&cursor, long_days, DAYS, &day_name) && take_text(&cursor, ", ") &&
          take_number(&cursor, 2, &date->day) && take_text(&cursor, "-") && take_month(&cursor, &date->month) &&
          take_text(&cursor, "-") && take_number(&cursor, 2, &date->year) && take_text(&cursor, " ") &&
          take_time(&cursor, date) && take_text(&cursor, " GMT") && cursor.at == cursor.end))
        return false;
    complete_year(date, now_ms);
    return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool read_asctime_date(struct cursor cursor, int64_t now_ms, struct date *date)
{
    int day_name;
    (void)now_ms;
    if (!(take_word(&cursor, days, DAYS, &day_name) && take_text(&cursor, " ") && take_month(&cursor, &date->month) &&
          take_text(&cursor, " ")))
        return false;
    int day_width = take_text(&cursor, " ") ? 1 : 2;
    return take_number(&cursor, day_width, &date->day) && take_text(&cursor, " ") && take_time(&cursor, date) &&
           take_text(&cursor, " ") && take_number(&cursor, 4, &date->year) && cursor.at == cursor.end;
}

static int month_days(const struct date *date)
{
    static const int lengths[MONTHS] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (date->year % 4 == 0 && date->year % 100 != 0) || date->year % 400 == 0;
    return lengths[date->month - 1] + (date->month == 2 && is_leap);
}

/* Second 60 is a leap second. */
static bool is_real(const struct date *date)
{
    return date->day >= 1 && date->day <= month_days(date) && date->hour <= 23 && date->minute <= 59 &&
           date->second <= 60;
}

static int64_t bounded(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

static int64_t read_date(struct cursor cursor, int64_t now_ms)
{
    static bool (*const forms[])(struct cursor, int64_t, struct date *) = {read_imf_fixdate, read_rfc850_date,
                                                                           read_asctime_date};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct date date = {0};
        if (forms[i](cursor, now_ms, &date))
            return is_real(&date) ? bounded(date_ms(&date) - now_ms) : -1;
    }
    return -1;
}

/* Any number of digits: once the bound is passed, more of them change nothing. */
static int64_t read_seconds(struct cursor cursor)
{
    int64_t ms = 0;
    for (; cursor.at < cursor.end; cursor.at++) {
        if (!is_digit(*cursor.at))
            return -1;
        ms = bounded(10 * ms + 1000 * (*cursor.at - '0'));
    }
    return ms;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

int64_t retry_after_parse(const char *text, size_t length, int64_t now_ms)
{
    struct cursor cursor = {text, text + length};
    while (cursor.at < cursor.end && is_space(*cursor.at))
        cursor.at++;
    while (cursor.end > cursor.at && is_space(cursor.end[-1]))
        cursor.end--;
    if (cursor.at == cursor.end)
        return -1;
    return is_digit(*cursor.at) ? read_seconds(cursor) : read_date(cursor, now_ms);
}
