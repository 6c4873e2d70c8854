// A GStreamer RTSP server over TLS whose certificate and key are PKCS#11 URIs: what a camera's RTSPS service
// is. For tests: it serves a test picture at /live on 127.0.0.1.
//
//   rtsps_server PORT CERTIFICATE_URI KEY_URI
#include <gst/rtsp-server/rtsp-server.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: rtsps_server PORT CERTIFICATE_URI KEY_URI\n");
    return 64;
  }
  gst_init(nullptr, nullptr);
  GError* error = nullptr;
  GTlsCertificate* certificate = g_tls_certificate_new_from_pkcs11_uris(argv[2], argv[3], &error);
  if (certificate == nullptr) {
    std::fprintf(stderr, "no certificate: %s\n", error->message);
    return 1;
  }
  GstRTSPServer* server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, argv[1]);
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_launch(
      factory,
      "( videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=5/1 ! "
      "jpegenc ! rtpjpegpay name=pay0 )");
  gst_rtsp_media_factory_add_role(factory, "anybody", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN,
                                  TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, nullptr);
  GstRTSPAuth* auth = gst_rtsp_auth_new();
  GstRTSPToken* token =
      gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "anybody", nullptr);
  gst_rtsp_auth_set_tls_certificate(auth, certificate);
  gst_rtsp_auth_set_default_token(auth, token);
  gst_rtsp_server_set_auth(server, auth);
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  gst_rtsp_mount_points_add_factory(mounts, "/live", factory);
  g_object_unref(mounts);
  if (gst_rtsp_server_attach(server, nullptr) == 0) {
    std::fprintf(stderr, "port %s cannot be had\n", argv[1]);
    return 1;
  }
  g_main_loop_run(g_main_loop_new(nullptr, FALSE));
  return 0;
}
