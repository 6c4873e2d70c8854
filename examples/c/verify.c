/*
 * verify CLIP [CA.pem]: is this video as its camera signed it, and whose camera is it?
 *
 * Exit status: 0 authentic (and, with CA.pem, from a camera that it vouches for), 2 authentic but pictures
 * are missing, 1 no, 65 the clip or the certificates cannot be read.
 */
#include <camvault/camvault.h>

#include <stdio.h>
#include <stdlib.h>

static int fail(const char* doing) {
  fprintf(stderr, "verify: %s: %s\n", doing, camvault_last_error());
  return 65;
}

/* Whole small file; NULL if it cannot be read. */
static char* read_file(const char* path, size_t* size) {
  char* text = NULL;
  FILE* file = fopen(path, "rb");
  if (file == NULL) return NULL;
  text = malloc(1 << 20);
  *size = text == NULL ? 0 : fread(text, 1, 1 << 20, file);
  fclose(file);
  return text;
}

int main(int argc, char** argv) {
  camvault_verify_options* options = NULL;
  camvault_report* report = NULL;
  int exit_status = 1;

  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: verify CLIP [CA.pem]\n");
    return 64;
  }
  if (camvault_verify_options_create(&options) != CAMVAULT_OK) return fail("options");
  if (argc == 3) {
    size_t size = 0;
    char* anchors = read_file(argv[2], &size);
    camvault_status status = CAMVAULT_IO;
    if (anchors != NULL)
      status = camvault_verify_options_add_anchors(options, anchors, size);
    else
      fprintf(stderr, "verify: cannot read %s\n", argv[2]);
    free(anchors);
    if (status != CAMVAULT_OK) {
      camvault_verify_options_destroy(options);
      return fail(argv[2]);
    }
  }

  if (camvault_verify_file(argv[1], CAMVAULT_CODEC_ANY, options, &report) != CAMVAULT_OK) {
    camvault_verify_options_destroy(options);
    return fail("cannot look at the clip");
  }
  camvault_verify_options_destroy(options);

  switch (camvault_report_verdict(report)) {
    case CAMVAULT_AUTHENTIC:
      printf("AUTHENTIC");
      exit_status = 0;
      break;
    case CAMVAULT_AUTHENTIC_WITH_MISSING_FRAMES:
      printf("AUTHENTIC, PICTURES MISSING");
      exit_status = 2;
      break;
    case CAMVAULT_NOT_SIGNED:
      printf("NOT SIGNED");
      break;
    default: /* a later version may know more verdicts: none of them is a yes */
      printf("NOT AUTHENTIC");
      break;
  }
  printf(": %s\n", camvault_report_verdict_reason(report));
  printf("%llu pictures, %llu authentic; origin: %s\n",
         (unsigned long long)camvault_report_count(report, CAMVAULT_COUNT_PICTURES),
         (unsigned long long)camvault_report_count(report, CAMVAULT_COUNT_AUTHENTIC),
         camvault_report_provenance_reason(report));
  if (argc == 3 && camvault_report_provenance(report) != CAMVAULT_TRUSTED) exit_status = 1;
  /* Everything else, every affected picture by name: camvault_report_json(report). */
  camvault_report_destroy(report);
  return exit_status;
}
