/*
 * sign keystore SOCKET KEY CHAIN.pem IN.h264 OUT.h264    with a key that the keystore daemon holds
 * sign file KEY.pem CHAIN.pem IN.h264 OUT.h264           with a key that this program reaches itself
 *
 * The second form shows how firmware connects its own secure element: a function that starts a signature and
 * returns, and a thread that completes it later. A key file stands for the element here; a camera would never
 * have one.
 */
#include <camvault/camvault.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- a secure element: one thread, one signature at a time */

struct job {
  camvault_sign_request* request;
  camvault_hash hash;
  uint8_t digest[64];
  size_t size;
};

struct element {
  EVP_PKEY* key;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct job jobs[16]; /* the signer lets 8 signatures wait, and certificate SEIs */
  unsigned first, count;
  int stop;
};

static void complete(const struct element* element, const struct job* job) {
  uint8_t signature[512];
  size_t size = sizeof signature;
  const EVP_MD* md = job->hash == CAMVAULT_HASH_SHA512   ? EVP_sha512()
                     : job->hash == CAMVAULT_HASH_SHA384 ? EVP_sha384()
                                                         : EVP_sha256();
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(element->key, NULL);
  const int good = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(context, md) == 1 &&
                   EVP_PKEY_sign(context, signature, &size, job->digest, job->size) == 1;
  EVP_PKEY_CTX_free(context);
  camvault_sign_request_complete(job->request, good ? CAMVAULT_OK : CAMVAULT_IO, signature, good ? size : 0);
}

static void* work(void* user) {
  struct element* element = user;
  pthread_mutex_lock(&element->mutex);
  for (;;) {
    struct job job;
    while (element->count == 0 && !element->stop) pthread_cond_wait(&element->changed, &element->mutex);
    if (element->count == 0) break; /* every request is completed before the thread ends */
    job = element->jobs[element->first];
    element->first = (element->first + 1) % 16;
    --element->count;
    pthread_mutex_unlock(&element->mutex);
    complete(element, &job);
    pthread_mutex_lock(&element->mutex);
  }
  pthread_mutex_unlock(&element->mutex);
  return NULL;
}

/* Called by the signer: takes the digest and returns at once. */
static void start_signature(void* user, camvault_sign_request* request, camvault_scheme scheme,
                            camvault_hash hash, const uint8_t* digest, size_t digest_size) {
  struct element* element = user;
  int taken = 0;
  pthread_mutex_lock(&element->mutex);
  if (scheme == CAMVAULT_SCHEME_ECDSA && element->count < 16 && digest_size <= 64) {
    struct job* job = &element->jobs[(element->first + element->count) % 16];
    job->request = request;
    job->hash = hash;
    job->size = digest_size;
    memcpy(job->digest, digest, digest_size);
    ++element->count;
    taken = 1;
    pthread_cond_signal(&element->changed);
  }
  pthread_mutex_unlock(&element->mutex);
  if (!taken) camvault_sign_request_complete(request, CAMVAULT_UNSUPPORTED, NULL, 0);
}

static int open_element(struct element* element, const char* path) {
  FILE* file = fopen(path, "rb");
  memset(element, 0, sizeof *element);
  if (file == NULL) return 0;
  element->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  fclose(file);
  if (element->key == NULL) return 0;
  pthread_mutex_init(&element->mutex, NULL);
  pthread_cond_init(&element->changed, NULL);
  return pthread_create(&element->thread, NULL, work, element) == 0;
}

static void close_element(struct element* element) {
  pthread_mutex_lock(&element->mutex);
  element->stop = 1;
  pthread_cond_signal(&element->changed);
  pthread_mutex_unlock(&element->mutex);
  pthread_join(element->thread, NULL);
  pthread_cond_destroy(&element->changed);
  pthread_mutex_destroy(&element->mutex);
  EVP_PKEY_free(element->key);
}

/* ---- a stream: NAL units between start codes, pictures between first slices (ITU-T H.264 annex
 * B, 7.4.1.2.4) */

static uint8_t* read_whole(const char* path, size_t* size) {
  long length;
  uint8_t* bytes = NULL;
  FILE* file = fopen(path, "rb");
  if (file == NULL) return NULL;
  if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
    bytes = malloc((size_t)length + 1);
    *size = bytes == NULL ? 0 : fread(bytes, 1, (size_t)length, file);
    if (bytes != NULL) bytes[*size] = 0; /* so that a text can be used as one */
  }
  fclose(file);
  return bytes;
}

/* Offset of the next 00 00 01 at or after `at`, or `size`. */
static size_t start_code(const uint8_t* bytes, size_t size, size_t at) {
  for (; at + 3 <= size; ++at) {
    if (bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1) return at;
  }
  return size;
}

static int is_slice(camvault_bytes unit) {
  return (unit.data[0] & 31) >= 1 && (unit.data[0] & 31) <= 5;
}
static int is_first_slice(camvault_bytes unit) {
  return is_slice(unit) && unit.size > 1 && (unit.data[1] & 0x80) != 0;
}

static int write_unit(FILE* out, camvault_bytes unit) {
  static const uint8_t code[] = {0, 0, 0, 1};
  return fwrite(code, 1, sizeof code, out) == sizeof code &&
         fwrite(unit.data, 1, unit.size, out) == unit.size;
}

#define MAX_UNITS 1024 /* of one picture */

/* Signs one picture and writes it with its SEIs, which go before its first slice. */
static int sign_picture(camvault_signer* signer, const camvault_bytes* units, size_t count,
                        camvault_time time, FILE* out) {
  const camvault_bytes* seis;
  size_t sei_count, i, s;
  int inserted = 0;
  if (camvault_signer_add(signer, units, count, time, &seis, &sei_count) != CAMVAULT_OK) {
    fprintf(stderr, "sign: %s\n", camvault_last_error());
    return 0;
  }
  for (i = 0; i < count; ++i) {
    if (is_slice(units[i]) && !inserted) {
      for (s = 0; s < sei_count; ++s) {
        if (!write_unit(out, seis[s])) return 0;
      }
      inserted = 1;
    }
    if (!write_unit(out, units[i])) return 0;
  }
  return 1;
}

static int sign_stream(camvault_signer* signer, const uint8_t* bytes, size_t size, FILE* out) {
  static camvault_bytes units[MAX_UNITS];
  const camvault_bytes* seis;
  size_t sei_count, s, count = 0, at = start_code(bytes, size, 0);
  int has_slice = 0;
  camvault_time now = (camvault_time)time(NULL) * CAMVAULT_TICKS_PER_SECOND;
  while (at < size) {
    camvault_bytes unit;
    const size_t end = start_code(bytes, size, at + 3);
    unit.data = bytes + at + 3;
    unit.size = end - at - 3;
    at = end;
    while (unit.size > 0 && unit.data[unit.size - 1] == 0)
      --unit.size; /* zeros between units belong to none */
    if (unit.size == 0) continue;
    if (has_slice && (!is_slice(unit) || is_first_slice(unit))) {
      if (!sign_picture(signer, units, count, now, out)) return 0;
      now += CAMVAULT_TICKS_PER_SECOND / 25; /* a camera takes the capture time */
      count = 0;
      has_slice = 0;
    }
    if (count == MAX_UNITS) return 0;
    units[count++] = unit;
    has_slice = has_slice || is_slice(unit);
  }
  if (count > 0 && !sign_picture(signer, units, count, now, out)) return 0;
  if (camvault_signer_finish(signer, 10000, &seis, &sei_count) != CAMVAULT_OK) {
    fprintf(stderr, "sign: %s\n", camvault_last_error());
    return 0;
  }
  for (s = 0; s < sei_count; ++s) {
    if (!write_unit(out, seis[s])) return 0;
  }
  return 1;
}

int main(int argc, char** argv) {
  const int with_keystore = argc == 7 && strcmp(argv[1], "keystore") == 0;
  const int with_file = argc == 6 && strcmp(argv[1], "file") == 0;
  const char *in_path = argc > 2 ? argv[argc - 2] : NULL, *out_path = argc > 2 ? argv[argc - 1] : NULL;
  struct element element;
  camvault_key* key = NULL;
  camvault_signer* signer = NULL;
  camvault_sign_options* options = NULL;
  camvault_status status;
  uint8_t *chain, *stream;
  size_t chain_size = 0, stream_size = 0;
  FILE* out;
  int good;

  if (!with_keystore && !with_file) {
    fprintf(stderr,
            "usage: sign keystore SOCKET KEY CHAIN.pem IN.h264 OUT.h264\n"
            "       sign file KEY.pem CHAIN.pem IN.h264 OUT.h264\n");
    return 64;
  }
  chain = read_whole(argv[argc - 3], &chain_size);
  stream = read_whole(in_path, &stream_size);
  if (chain == NULL || stream == NULL) {
    fprintf(stderr, "sign: cannot read %s\n", chain == NULL ? argv[argc - 3] : in_path);
    return 65;
  }
  if (with_keystore) {
    status = camvault_key_from_keystore(argv[2], argv[3], &key);
  } else {
    if (!open_element(&element, argv[2])) {
      fprintf(stderr, "sign: %s is no private key\n", argv[2]);
      return 65;
    }
    status = camvault_key_from_callback(chain, chain_size, start_signature, NULL, &element, &key);
  }
  if (status == CAMVAULT_OK) status = camvault_sign_options_create(&options);
  /* This program reads faster than any camera delivers, so it waits for the key. A camera does not set this.
   */
  if (status == CAMVAULT_OK) status = camvault_sign_options_set(options, CAMVAULT_SIGN_WAIT_FOR_KEY, 1);
  if (status == CAMVAULT_OK) status = camvault_sign_options_set_vendor(options, "Example", "1.0", "0001");
  if (status == CAMVAULT_OK)
    status = camvault_signer_create(CAMVAULT_CODEC_H264, key, (const char*)chain, options, &signer);
  if (status != CAMVAULT_OK) fprintf(stderr, "sign: %s\n", camvault_last_error());
  camvault_sign_options_destroy(options);
  camvault_key_destroy(key);

  good = signer != NULL;
  out = good ? fopen(out_path, "wb") : NULL;
  good = good && out != NULL && sign_stream(signer, stream, stream_size, out);
  if (out != NULL) good = fclose(out) == 0 && good;
  if (good) {
    printf("%llu signatures, %llu failed\n",
           (unsigned long long)camvault_signer_counter(signer, CAMVAULT_SIGNER_SEIS_SIGNED),
           (unsigned long long)camvault_signer_counter(signer, CAMVAULT_SIGNER_SIGNATURES_FAILED));
    good = camvault_signer_counter(signer, CAMVAULT_SIGNER_SIGNATURES_FAILED) == 0;
  }
  camvault_signer_destroy(signer);
  if (with_file) close_element(&element);
  free(chain);
  free(stream);
  return good ? 0 : 1;
}
