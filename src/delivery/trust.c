/* The trust of the sender, in one place for whoever sends and whoever looks whether sending can work. */
#include "delivery/trust.h"

#include <curl/curl.h>
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

struct trust trust_find(void)
{
    const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
    const char *file = variable("SSL_CERT_FILE");
    const char *directory = variable("SSL_CERT_DIR");
    return (struct trust){
        .file = file ? file : built->cainfo,
        .directory = directory ? directory : built->capath,
        .is_from_environment = file || directory,
    };
}

static size_t count_in_file(const char *path)
{
    size_t count = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    for (X509 *certificate; (certificate = PEM_read_X509_AUX(file, NULL, NULL, NULL)) != NULL; count++)
        X509_free(certificate);
    ERR_clear_error(); /* the last one says that the file has ended */
    fclose(file);
    return count;
}

/* "4042bcee.0": what OpenSSL looks for. */
static bool is_hash_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
           strspn(name + 9, "0123456789") == strlen(name + 9);
}

static size_t count_in_directory(const char *path)
{
    size_t count = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct buf file = {0};
        if (!is_hash_name(entry->d_name))
            continue;
        buf_printf(&file, "%s/%s", path, entry->d_name);
        count += count_in_file(file.data);
        buf_clear(&file);
    }
    closedir(directory);
    return count;
}

size_t trust_count(const struct trust *trust)
{
    size_t count = trust->file ? count_in_file(trust->file) : 0;
    return count > 0 || !trust->directory ? count : count_in_directory(trust->directory);
}
