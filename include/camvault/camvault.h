/*
 * libcamvault: signed video (ONVIF Media Signing, H.264 and H.265) for programs written in C.
 * docs/c-api.md is the introduction, examples/c has two whole programs.
 *
 * Errors      Functions return a camvault_status; CAMVAULT_OK is 0. camvault_last_error() then has one
 * sentence for the operator's log. "The video was altered" is no error: it is a verdict in a report.
 * Ownership   What a function puts into its last parameter `out` belongs to the caller, who gives it back to
 * the matching _destroy function (which takes NULL, too). After an error `*out` is NULL. Everything passed in
 *             is copied or used up before the function returns, unless its comment says otherwise. Texts that
 * a function returns belong to the object they came from and live as long as it does. Threads     One object,
 * one thread at a time; different objects can be used by different threads. A camvault_key and a finished set
 * of options may be shared. camvault_sign_request_complete() may be called on any thread. Memory      Does
 * not grow with the length of the video. No function writes to files, to the terminal or to the environment,
 * none starts a process; a key of the keystore has one thread of its own. Versions    The library's soname
 * changes when an existing function changes. New functions and new enumerators may appear at any time: handle
 * enumerators that you do not know.
 */
#ifndef CAMVAULT_CAMVAULT_H
#define CAMVAULT_CAMVAULT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------ basics */

typedef enum camvault_status {
  CAMVAULT_OK = 0,
  CAMVAULT_MALFORMED = 1,   /* the input breaks its format: reading it again will not help */
  CAMVAULT_UNSUPPORTED = 2, /* well formed, but a version, codec or algorithm this library does not have */
  CAMVAULT_LIMIT = 3,       /* a limit of size, count or time was passed */
  CAMVAULT_NOT_FOUND = 4,   /* no such file or key */
  CAMVAULT_EXISTS = 5,
  CAMVAULT_DENIED = 6,      /* policy or permissions refuse it */
  CAMVAULT_UNAVAILABLE = 7, /* a service or device is not there now: try again later */
  CAMVAULT_INVALID = 8,     /* a signature or certificate does not verify */
  CAMVAULT_USAGE = 9,       /* the caller passed something that makes no sense */
  CAMVAULT_IO = 10,         /* the operating system failed */
  CAMVAULT_INTERNAL = 11    /* a bug of the library, or no memory */
} camvault_status;

/* "malformed", ...; never NULL. */
const char* camvault_status_text(camvault_status status);

/* Why the last call of this thread that returned an error did so. Holds no secrets. Never NULL; valid until
 * the next call of this thread. */
const char* camvault_last_error(void);

/* "0.1.0", of the library that is running. */
const char* camvault_version(void);

/* A run of bytes that belongs to somebody else. */
typedef struct camvault_bytes {
  const uint8_t* data;
  size_t size;
} camvault_bytes;

typedef enum camvault_codec {
  CAMVAULT_CODEC_ANY =
      0, /* as the file says; guessed for byte streams. Only for files, not for single units. */
  CAMVAULT_CODEC_H264 = 1,
  CAMVAULT_CODEC_H265 = 2
} camvault_codec;

/* Times are 100 ns steps since 1970-01-01 UTC, without leap seconds. */
typedef int64_t camvault_time;
#define CAMVAULT_NO_TIME INT64_MIN
#define CAMVAULT_TICKS_PER_SECOND INT64_C(10000000)

/* ------------------------------------------------------------------------------------------------ verifying
 */

/* Whom to trust. Without options (NULL wherever they are taken) the origin of the video stays unknown. */
typedef struct camvault_verify_options camvault_verify_options;

camvault_status camvault_verify_options_create(camvault_verify_options** out);
void camvault_verify_options_destroy(camvault_verify_options* options);
/* Certificates (PEM, any number, or one in DER) that are trusted to vouch for cameras. Can be called again.
 */
camvault_status camvault_verify_options_add_anchors(camvault_verify_options* options, const void* data,
                                                    size_t size);
/* A certificate revocation list, PEM or DER. */
camvault_status camvault_verify_options_add_crl(camvault_verify_options* options, const void* data,
                                                size_t size);
/* Only this camera counts (its certificate, PEM or DER). Serves as key when the clip does not carry it. */
camvault_status camvault_verify_options_set_signer(camvault_verify_options* options, const void* data,
                                                   size_t size);
/* Only a camera with this serial number counts. */
camvault_status camvault_verify_options_set_serial(camvault_verify_options* options, const char* serial);
/* Judge certificates at this time instead of the recording time. */
camvault_status camvault_verify_options_set_time(camvault_verify_options* options, camvault_time time);
/* Threads that one verification may use, the caller's included: 1 (the default) to 64; 0: as many as the
 * process has cores. The report is the same with any number. CAMVAULT_USAGE above 64. */
camvault_status camvault_verify_options_set_jobs(camvault_verify_options* options, unsigned jobs);

typedef struct camvault_report camvault_report;

/* Verifies a clip: MP4, fragmented MP4 or a raw byte stream, recognised by content. (Matroska is
 * CAMVAULT_UNSUPPORTED here: the program `camvault verify` reads it.) The file is mapped: a file that
 * somebody cuts meanwhile raises SIGBUS. A file that ends inside a unit is judged as far as it goes, and the
 * report says so. CAMVAULT_MALFORMED: there is no video in it that could be checked. */
camvault_status camvault_verify_file(const char* path, camvault_codec codec,
                                     const camvault_verify_options* options, camvault_report** out);
/* The same for a clip in memory, which need not outlive the call. */
camvault_status camvault_verify_memory(const void* data, size_t size, camvault_codec codec,
                                       const camvault_verify_options* options, camvault_report** out);

/* Verifies a stream unit by unit, as it comes from a network or a decoder. */
typedef struct camvault_verifier camvault_verifier;

camvault_status camvault_verifier_create(camvault_codec codec, const camvault_verify_options* options,
                                         camvault_verifier** out);
void camvault_verifier_destroy(camvault_verifier* verifier);
/* NAL units in decoding order, all of them (parameter sets and SEIs too), without start codes or length
 * fields. */
camvault_status camvault_verifier_add(camvault_verifier* verifier, const camvault_bytes* units, size_t count);
/* The stream ends; `truncated` is not 0 if it broke off inside a unit. Once. */
camvault_status camvault_verifier_finish(camvault_verifier* verifier, int truncated, camvault_report** out);

/* ------------------------------------------------------------------------------------------------ reports */

void camvault_report_destroy(camvault_report* report);

typedef enum camvault_verdict {
  CAMVAULT_AUTHENTIC = 0,
  CAMVAULT_AUTHENTIC_WITH_MISSING_FRAMES =
      1, /* what is there is as it was signed, but pictures are missing */
  CAMVAULT_NOT_AUTHENTIC = 2,
  CAMVAULT_NOT_SIGNED = 3
} camvault_verdict;

/* Whose video it is, apart from whether it was changed. */
typedef enum camvault_provenance {
  CAMVAULT_TRUSTED = 0,   /* the signer's certificate leads to a given anchor (and is the expected camera) */
  CAMVAULT_UNTRUSTED = 1, /* it does not */
  CAMVAULT_UNKNOWN = 2    /* no anchor was given */
} camvault_provenance;

camvault_verdict camvault_report_verdict(const camvault_report* report);
const char* camvault_report_verdict_reason(const camvault_report* report); /* one sentence */
camvault_provenance camvault_report_provenance(const camvault_report* report);
const char* camvault_report_provenance_reason(const camvault_report* report);

/* Of the signed part, as signed; CAMVAULT_NO_TIME if there is none. */
camvault_time camvault_report_first_time(const camvault_report* report);
camvault_time camvault_report_last_time(const camvault_report* report);

typedef enum camvault_count {
  CAMVAULT_COUNT_PICTURES = 0, /* in the clip; missing ones are not among them */
  CAMVAULT_COUNT_AUTHENTIC = 1,
  CAMVAULT_COUNT_ALTERED = 2,
  CAMVAULT_COUNT_MISSING = 3,
  CAMVAULT_COUNT_EXTRA = 4,
  CAMVAULT_COUNT_OUT_OF_PLACE = 5,
  CAMVAULT_COUNT_NOT_COVERED = 6,
  CAMVAULT_COUNT_GOPS = 7,
  CAMVAULT_COUNT_GOPS_MISSING = 8
} camvault_count;
/* 0 for a count that this version does not know. */
uint64_t camvault_report_count(const camvault_report* report, camvault_count what);

typedef enum camvault_text {
  CAMVAULT_SIGNER_SUBJECT = 0, /* of the signer's certificate */
  CAMVAULT_SIGNER_ISSUER = 1,
  CAMVAULT_SIGNER_SERIAL = 2,      /* the camera's serial number, from its certificate */
  CAMVAULT_SIGNER_FINGERPRINT = 3, /* SHA-256 of the certificate, hex */
  CAMVAULT_VENDOR_MANUFACTURER = 4,
  CAMVAULT_VENDOR_FIRMWARE = 5,
  CAMVAULT_VENDOR_SERIAL = 6
} camvault_text;
/* Empty when not known; never NULL. These texts come from the clip: treat them as foreign input. */
const char* camvault_report_text(const camvault_report* report, camvault_text what);

/* The whole report with every affected picture (docs/formats/report-json.md). ASCII, ends with a line feed.
 * Made at the first call; NULL if that failed. */
const char* camvault_report_json(camvault_report* report);

/* ------------------------------------------------------------------------------------------------ keys */

/* A key that signs and that this process does not hold. */
typedef struct camvault_key camvault_key;

/* A key of the keystore daemon: socket path (NULL: where the daemon listens usually) and name
 * ("camera/media-signing"). CAMVAULT_UNAVAILABLE: no daemon there. CAMVAULT_NOT_FOUND, CAMVAULT_DENIED: about
 * the key. */
camvault_status camvault_key_from_keystore(const char* socket_path, const char* key_name, camvault_key** out);

typedef enum camvault_scheme {
  CAMVAULT_SCHEME_ECDSA = 0,   /* DER encoded signature over the digest */
  CAMVAULT_SCHEME_RSA_PSS = 1, /* MGF1 with the same hash, salt as long as the digest */
  CAMVAULT_SCHEME_RSA_PKCS1V15 = 2
} camvault_scheme;

typedef enum camvault_hash {
  CAMVAULT_HASH_SHA256 = 0,
  CAMVAULT_HASH_SHA384 = 1,
  CAMVAULT_HASH_SHA512 = 2
} camvault_hash;

/* One signature that is being made. Every request must be completed exactly once. */
typedef struct camvault_sign_request camvault_sign_request;

/* Called by the signer on the thread that adds pictures: start the signature and return at once. `digest`
 * lives during the call only. Completing the request before returning is allowed. */
typedef void (*camvault_sign_function)(void* user, camvault_sign_request* request, camvault_scheme scheme,
                                       camvault_hash hash, const uint8_t* digest, size_t digest_size);
typedef void (*camvault_release_function)(void* user);

/* A key that the application reaches itself (secure element, HSM, other service). `certificate`: PEM or DER,
 * the first one's public key is the key's. `release` (may be NULL) is called with `user` once neither the
 * key, nor a signer with it, nor a request of it is left; on whichever thread was last. */
camvault_status camvault_key_from_callback(const void* certificate, size_t certificate_size,
                                           camvault_sign_function sign, camvault_release_function release,
                                           void* user, camvault_key** out);

/* Ends a request, on any thread, and frees it. `status`: CAMVAULT_OK with the signature, or why there is none
 * (the signer then covers that part of the video with the next signature). */
void camvault_sign_request_complete(camvault_sign_request* request, camvault_status status,
                                    const void* signature, size_t signature_size);

/* Signers that use the key keep it alive. */
void camvault_key_destroy(camvault_key* key);

/* ------------------------------------------------------------------------------------------------ signing */

typedef struct camvault_sign_options camvault_sign_options;

typedef enum camvault_sign_setting {
  CAMVAULT_SIGN_HASH = 0,            /* a camvault_hash; default CAMVAULT_HASH_SHA256 */
  CAMVAULT_SIGN_LOW_BITRATE = 1,     /* 1: no hash lists, a GOP is authentic or not as a whole; default 0 */
  CAMVAULT_SIGN_CERTIFICATE_SEI = 2, /* 0: no certificate SEI; default 1 */
  CAMVAULT_SIGN_CHAIN_IN_EVERY_SEI = 3,   /* 0: certificates in the certificate SEI alone; default 1 */
  CAMVAULT_SIGN_EMULATION_PREVENTION = 4, /* 0: hash SEIs without emulation prevention; default 1 */
  CAMVAULT_SIGN_INTERVAL = 5,             /* sign every n-th GOP; default 1 */
  CAMVAULT_SIGN_MAX_PARTIAL_UNITS = 6,   /* sign longer GOPs in parts; default what every verifier can take */
  CAMVAULT_SIGN_MAX_PARTIAL_TIME_MS = 7, /* default 5000 */
  CAMVAULT_SIGN_REPEAT_SEIS = 8,         /* 1: every SEI twice, for lossy transport; default 0 */
  CAMVAULT_SIGN_WAIT_FOR_KEY = 9,        /* 1: for files, wait for each signature; default 0 */
  /* 0: no signed supplement, which covers decoder parameters, other SEIs, and with the functions below
   * picture times, sound and timed metadata; default 1. One more signature a GOP. Cannot be switched off when
   * the signing certificate promises it. */
  CAMVAULT_SIGN_SUPPLEMENT = 10
} camvault_sign_setting;

camvault_status camvault_sign_options_create(camvault_sign_options** out);
void camvault_sign_options_destroy(camvault_sign_options* options);
camvault_status camvault_sign_options_set(camvault_sign_options* options, camvault_sign_setting setting,
                                          uint32_t value);
/* Vendor information in the stream, signed with it; each at most 255 bytes, NULL for none. */
camvault_status camvault_sign_options_set_vendor(camvault_sign_options* options, const char* manufacturer,
                                                 const char* firmware, const char* serial);

typedef struct camvault_signer camvault_signer;

/* `chain_pem`: the signing certificate first, then intermediates, never the root. `options` may be NULL. */
camvault_status camvault_signer_create(camvault_codec codec, camvault_key* key, const char* chain_pem,
                                       const camvault_sign_options* options, camvault_signer** out);
/* Signatures under way are dropped; callback requests still have to be completed. */
void camvault_signer_destroy(camvault_signer* signer);

/* One access unit (one picture, decoding order): its NAL units without start codes or length fields, captured
 * at `time`. `*seis` (of `*sei_count`, often 0) are units to insert before its first slice, as they are; they
 * live until the next call with this signer. Never waits for a key (unless CAMVAULT_SIGN_WAIT_FOR_KEY). */
camvault_status camvault_signer_add(camvault_signer* signer, const camvault_bytes* units, size_t count,
                                    camvault_time time, const camvault_bytes** seis, size_t* sei_count);
/* The same, and says when the container will show the picture: on a clock whose zero means nothing, the same
 * for all pictures and samples. The supplement signs it; times that the container shows are not covered
 * otherwise. */
camvault_status camvault_signer_add_shown(camvault_signer* signer, const camvault_bytes* units, size_t count,
                                          camvault_time time, camvault_time shown,
                                          const camvault_bytes** seis, size_t* sei_count);

/* For the supplement: a parameter set or SEI that the container's header holds instead of the stream, before
 * the pictures that need it. */
camvault_status camvault_signer_add_header_unit(camvault_signer* signer, const void* data, size_t size);

typedef enum camvault_side_kind { CAMVAULT_SIDE_AUDIO = 1, CAMVAULT_SIDE_METADATA = 2 } camvault_side_kind;

/* For the supplement: a sample of sound or timed metadata as the container will store it (no PCM, which
 * containers cut as they like), in the order of its track, about when its picture comes. `track` is 0 to 31.
 * `shown`: as above, or CAMVAULT_NO_TIME. */
camvault_status camvault_signer_add_sample(camvault_signer* signer, camvault_side_kind kind, uint32_t track,
                                           camvault_time shown, const void* data, size_t size);

/* The stream ends: waits at most `patience_ms` for signatures under way. `*seis` go behind the last picture.
 */
camvault_status camvault_signer_finish(camvault_signer* signer, uint32_t patience_ms,
                                       const camvault_bytes** seis, size_t* sei_count);
/* The certificate SEI once more before the next picture: a client joined, an export begins. */
camvault_status camvault_signer_request_certificate_sei(camvault_signer* signer);

typedef enum camvault_signer_count {
  CAMVAULT_SIGNER_UNITS_HASHED = 0,
  CAMVAULT_SIGNER_SEIS_SIGNED = 1,
  CAMVAULT_SIGNER_SEIS_UNSIGNED = 2,     /* the key was too slow: covered by the next signature */
  CAMVAULT_SIGNER_SIGNATURES_FAILED = 3, /* the key refused or was away: covered by the next signature */
  CAMVAULT_SIGNER_SUPPLEMENTS = 4
} camvault_signer_count;
uint64_t camvault_signer_counter(const camvault_signer* signer, camvault_signer_count what);

#ifdef __cplusplus
}
#endif

#endif
