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
#include <unistd.h>

#include "base/tree.h"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Where distributions keep them. NULL: none of these is there, and libcurl goes by what it was built with. */
static const char *usual_file(void)
{
    static const char *const files[] = {
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Red Hat and its relatives */
        "/etc/ssl/certs/ca-certificates.crt", /* Debian and its relatives, Arch, Alpine */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (access(files[i], R_OK) == 0)
            return files[i];
    return NULL;
}

struct trust trust_find(void)
{
    const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
    bool tells = built->age >= CURLVERSION_SEVENTH; /* else the members are not there */
    const char *file = variable("SSL_CERT_FILE");
    const char *directory = variable("SSL_CERT_DIR");
    const char *built_file = tells ? built->cainfo : usual_file();
    return (struct trust){
        .file = file ? file : built_file,
        .directory = directory || !tells ? directory : built->capath,
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
        if (!is_hash_name(entry->d_name))
            continue;
        struct buf file = tree_path(path, entry->d_name);
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
