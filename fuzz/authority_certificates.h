// Certificates that the fuzz targets judge against; made by `openssl`, whose keys nobody has any more. What
// they signed is in the corpora.
#pragma once

namespace camvault::fuzz {

inline constexpr const char* kCa =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBaDCCAQ6gAwIBAgIUQObkMcgWXZUFdV/vuSJLpJeX524wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHRnV6eiBDQTAeFw0yNjExMjExNTQwNTVaFw00NjExMTYxNTQw\n"
    "NTVaMBIxEDAOBgNVBAMMB0Z1enogQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AARt09ywaxNRTx0u7Vpn1kj18lWUC1588VAG/Wf30bWcQrBwO5VldotAll/9HRI/\n"
    "rRubbJmLzhBBPHPn2LMY1UtRo0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB\n"
    "/wQEAwIBBjAdBgNVHQ4EFgQU5/YcfZO0Rohnb0DaSu6hE+sG8N8wCgYIKoZIzj0E\n"
    "AwIDSAAwRQIhAKQ3P+r3FJpm03dNwEU37Dc3ovcLkwFWlIbQrMqKMPV7AiBgdaH9\n"
    "AoULZQ/ttdIkRQ4qibXF0i6jb5MmOUHuscp9GA==\n"
    "-----END CERTIFICATE-----\n";

inline constexpr const char* kLeaf =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdjCCARygAwIBAgICEjQwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHRnV6eiBD\n"
    "QTAeFw0yNjExMjExNTQwNTZaFw00NjAxMjAxNTQwNTZaMBQxEjAQBgNVBAMMCUZ1\n"
    "enogbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMpPboJXkBsuBBjoMs0p\n"
    "0jhwrjiFx1ZayBmpObtXEll1gFSn00nLgfNRGr1vHotoowz3uHZt0DlQc6gqyQ1Q\n"
    "oAOjYDBeMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMB0GA1UdDgQWBBT7\n"
    "1rWPpn78+8o/zZrOUevrgfHGLzAfBgNVHSMEGDAWgBTn9hx9k7RGiGdvQNpK7qET\n"
    "6wbw3zAKBggqhkjOPQQDAgNIADBFAiEAzbMHJYfhyW2VaJ20BQ4tPnj7ELuAAhwk\n"
    "LYX1sUYZIfMCIEfGERr2A7JAJuJCtNWBSzyAKunNz99GLphQyxofqpcS\n"
    "-----END CERTIFICATE-----\n";

inline constexpr const char* kTimeRoot =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdTCCARygAwIBAgIUORuV+gCjuFPal8VZ+iOcSYTu3EcwCgYIKoZIzj0EAwIw\n"
    "GTEXMBUGA1UEAwwORnV6eiB0aW1lIHJvb3QwHhcNMjYxMTIxMTU0MDU1WhcNNDYx\n"
    "MTE2MTU0MDU1WjAZMRcwFQYDVQQDDA5GdXp6IHRpbWUgcm9vdDBZMBMGByqGSM49\n"
    "AgEGCCqGSM49AwEHA0IABNa+F0flQ+uDcN06KCRbRcW8aU1Lu+11OXNrNH/26mkr\n"
    "5Lf7n+KWK7svetupL9MqRg0Qh8n9iWN5A9QffYQ7pKSjQjBAMA8GA1UdEwEB/wQF\n"
    "MAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBRP787b7ec6/GNOOcAB+1wI\n"
    "HDACjjAKBggqhkjOPQQDAgNHADBEAiAMGtL3XFJdqU0yzRDUjwvUkRXHcax9Y+nX\n"
    "YNdkN3LiSgIgaKMwm681oeJQTBf4Ioc5AxAWFgsm0Dd2JTNUjK8oiko=\n"
    "-----END CERTIFICATE-----\n";

}  // namespace camvault::fuzz
