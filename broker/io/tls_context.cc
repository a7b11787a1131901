#include "broker/io/tls_context.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

#include "broker/freed_by.h"
#include "broker/io/descriptor.h"

namespace ringcast::io {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;  // a chain is some KiB; a bundle of all public CAs is 200
constexpr long kPeerChainBytesMax = 64 * 1024;      // of a client's certificate and its chain
constexpr int kPeerChainDepthMax = 5;
constexpr std::int64_t kSoonDays = 14;
constexpr std::int64_t kDayS = 86'400;
// TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has no others.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

using CertificatePtr = std::unique_ptr<X509, broker::FreedBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, broker::FreedBy<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, broker::FreedBy<BIO_free>>;

std::unexpected<std::string> refused(const std::string& file, const std::string& why) {
  return std::unexpected("tls: " + file + ": " + why);
}

// OpenSSL's last word, which says more than we could.
std::string openssl_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

std::expected<std::string, std::string> read_pem(const std::string& name) {
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return refused(name, std::string("cannot be read: ") + ::strerrordesc_np(errno));
  std::string text(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t part = ::read(file.get(), text.data() + size, text.size() - size);
    if (part < 0) return refused(name, std::string("cannot be read: ") + ::strerrordesc_np(errno));
    if (part == 0) break;
    size += static_cast<std::size_t>(part);
  }
  if (size > kFileBytesMax) return refused(name, "is larger than 1 MiB");
  std::string fitting(text.data(), size);
  OPENSSL_cleanse(text.data(), text.size());  // it may have been a key
  return fitting;
}

BioPtr reader(const std::string& text) {
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  assert(bio != nullptr);
  return bio;
}

// All certificates of a PEM text, the leaf first.
std::vector<CertificatePtr> certificates_of(const std::string& text) {
  std::vector<CertificatePtr> chain;
  const BioPtr in = reader(text);
  while (X509* const one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) chain.emplace_back(one);
  ERR_clear_error();  // the end of the text
  return chain;
}

int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

KeyPtr key_of(const std::string& text) {
  const BioPtr in = reader(text);
  return KeyPtr(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
}

std::expected<void, std::string> check_pair(const TlsTexts::Pair& pair, const std::string& certificate_file,
                                            const std::string& key_file) {
  const auto chain = certificates_of(pair.certificate);
  if (chain.empty()) {
    return refused(certificate_file, "holds no certificate; PEM is expected, with -----BEGIN CERTIFICATE-----");
  }
  const KeyPtr key = key_of(pair.key);
  if (key == nullptr) {
    ERR_clear_error();
    if (pair.key.contains("ENCRYPTED")) {
      return refused(key_file,
                     "is encrypted, and nobody is asked for its passphrase; write it without one: openssl "
                     "pkey -in " +
                         key_file + " -out PLAIN");
    }
    return refused(key_file, "holds no private key; PEM is expected, with -----BEGIN PRIVATE KEY-----");
  }
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return refused(key_file,
                   "is not the key of " + certificate_file + "; name keys in the order of their certificates");
  }
  return {};
}

// ---- which certificate is for which host (SNI, RFC 6066 §3) ----

// The contexts of one listener's other certificates. It belongs to the first context, which all connections begin with.
struct Others {
  std::vector<TlsContext> contexts;
};

void free_others(void* /*context*/, void* others, CRYPTO_EX_DATA* /*all*/, int /*index*/, long /*number*/,
                 void* /*pointer*/) {
  delete static_cast<Others*>(others);
}

int others_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_others);
  assert(index >= 0);
  return index;
}

bool is_for(SSL_CTX* context, const char* host) {
  X509* const certificate = SSL_CTX_get0_certificate(context);
  return X509_check_host(certificate, host, std::strlen(host), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

int choose_certificate(SSL* ssl, int* /*alert*/, void* /*argument*/) {
  const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_CTX* const first = SSL_get_SSL_CTX(ssl);
  const auto* const others = static_cast<const Others*>(SSL_CTX_get_ex_data(first, others_index()));
  if (host == nullptr || others == nullptr || is_for(first, host)) return SSL_TLSEXT_ERR_OK;
  for (const TlsContext& other : others->contexts) {
    if (!is_for(other.get(), host)) continue;
    SSL_set_SSL_CTX(ssl, other.get());
    break;
  }
  return SSL_TLSEXT_ERR_OK;
}

// ---- protocols (ALPN, RFC 7301) ----

// A client that offers protocols but not HTTP/1.1 is told so at once, not by what it cannot read.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void* /*argument*/) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// ---- making contexts ----

void set_rules(SSL_CTX* context, const TlsTexts& texts) {
  SSL_CTX_set_min_proto_version(
      context, texts.settings.min_version == broker::TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection owns none
  const int ciphers = SSL_CTX_set_cipher_list(context, kCiphers);
  assert(ciphers == 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets: clients keep their sessions themselves
  TicketKeys keys = texts.ticket_keys;
  const long set = SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), static_cast<long>(keys.size()));
  assert(set == 1);
  OPENSSL_cleanse(keys.data(), keys.size());
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_max_cert_list(context, kPeerChainBytesMax);
}

std::expected<void, std::string> set_client_auth(SSL_CTX* context, const TlsTexts& texts) {
  static constexpr unsigned char kSessions[] = "ringcast";  // resumption with client certificates demands a name
  SSL_CTX_set_session_id_context(context, kSessions, sizeof kSessions - 1);
  const broker::ClientAuth auth = texts.settings.client_auth;
  if (auth == broker::ClientAuth::none) return {};
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  const auto authorities = certificates_of(texts.client_ca);
  if (authorities.empty()) {
    return refused(texts.settings.client_ca, "holds no certificate; PEM is expected, with -----BEGIN CERTIFICATE-----");
  }
  for (const CertificatePtr& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {  // clients with several certificates see whose we want
      return refused(texts.settings.client_ca, openssl_reason());
    }
  }
  const int required = auth == broker::ClientAuth::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
  SSL_CTX_set_verify_depth(context, kPeerChainDepthMax);
  return {};
}

std::expected<TlsContext, std::string> empty_context(const TlsTexts& texts) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return std::unexpected("tls: " + openssl_reason());
  set_rules(context.get(), texts);
  if (const auto set = set_client_auth(context.get(), texts); !set) return std::unexpected(set.error());
  return context;
}

std::expected<void, std::string> use_pair(SSL_CTX* context, const TlsTexts::Pair& pair, const std::string& file) {
  auto chain = certificates_of(pair.certificate);
  const KeyPtr key = key_of(pair.key);
  assert(!chain.empty());
  assert(key != nullptr);
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return refused(file, "is refused by OpenSSL: " + openssl_reason());
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add0_chain_cert(context, chain[i].get()) != 1) return refused(file, openssl_reason());
    (void)chain[i].release();
  }
  return {};
}

std::vector<std::string> hosts_of(X509* certificate) {
  std::vector<std::string> hosts;
  const std::unique_ptr<GENERAL_NAMES, broker::FreedBy<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    hosts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  std::ranges::sort(hosts);
  return hosts;
}

// One host may have an RSA and an ECDSA certificate: these belong into one context, where the client's list decides.
bool takes_too(SSL_CTX* context, X509* certificate) {
  X509* const there = SSL_CTX_get0_certificate(context);
  return hosts_of(there) == hosts_of(certificate) &&
         EVP_PKEY_get_base_id(X509_get0_pubkey(there)) != EVP_PKEY_get_base_id(X509_get0_pubkey(certificate));
}

}  // namespace

void FreeTlsContext::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

TlsTexts::~TlsTexts() {
  for (Pair& pair : pairs) OPENSSL_cleanse(pair.key.data(), pair.key.size());
  OPENSSL_cleanse(ticket_keys.data(), ticket_keys.size());
}

TlsSettings clients_tls(const broker::Config& config) {
  return {.certificates = config.tls_certificates,
          .keys = config.tls_keys,
          .client_ca = config.tls_client_ca,
          .client_auth = config.tls_client_auth,
          .min_version = config.tls_min_version};
}

TlsSettings operators_tls(const broker::Config& config) {
  TlsSettings settings = clients_tls(config);
  settings.client_auth = config.admin_tls_client_auth;
  return settings;
}

std::expected<TlsTexts, std::string> read_tls_files(const TlsSettings& settings) {
  assert(!settings.certificates.empty());
  assert(settings.certificates.size() == settings.keys.size());
  TlsTexts texts(settings);
  for (std::size_t i = 0; i < settings.certificates.size(); ++i) {
    auto certificate = read_pem(settings.certificates[i]);
    if (!certificate) return std::unexpected(certificate.error());
    auto key = read_pem(settings.keys[i]);
    if (!key) return std::unexpected(key.error());
    texts.pairs.push_back({*std::move(certificate), *std::move(key)});
    const auto checked = check_pair(texts.pairs.back(), settings.certificates[i], settings.keys[i]);
    if (!checked) return std::unexpected(checked.error());
  }
  if (settings.client_auth != broker::ClientAuth::none) {
    auto authorities = read_pem(settings.client_ca);
    if (!authorities) return std::unexpected(authorities.error());
    texts.client_ca = *std::move(authorities);
  }
  const int filled = RAND_bytes(texts.ticket_keys.data(), static_cast<int>(texts.ticket_keys.size()));
  assert(filled == 1);
  if (const auto context = make_tls_context(texts); !context) return std::unexpected(context.error());
  return texts;
}

std::expected<TlsContext, std::string> make_tls_context(const TlsTexts& texts) {
  std::vector<TlsContext> contexts;
  for (std::size_t i = 0; i < texts.pairs.size(); ++i) {
    const auto chain = certificates_of(texts.pairs[i].certificate);
    const auto same = std::ranges::find_if(
        contexts, [&](const TlsContext& context) { return takes_too(context.get(), chain.front().get()); });
    SSL_CTX* context = same == contexts.end() ? nullptr : same->get();
    if (context == nullptr) {
      auto made = empty_context(texts);
      if (!made) return std::unexpected(made.error());
      context = contexts.emplace_back(*std::move(made)).get();
    }
    const auto used = use_pair(context, texts.pairs[i], texts.settings.certificates[i]);
    if (!used) return std::unexpected(used.error());
  }
  TlsContext first = std::move(contexts.front());
  contexts.erase(contexts.begin());
  auto others = std::make_unique<Others>(Others{std::move(contexts)});
  if (SSL_CTX_set_ex_data(first.get(), others_index(), others.get()) != 1) return std::unexpected("tls: out of memory");
  (void)others.release();
  // SSL_CTX_set_tlsext_servername_callback(), which is a macro with a C cast.
  SSL_CTX_callback_ctrl(first.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(choose_certificate));
  return first;
}

std::vector<std::string> tls_warnings(const TlsTexts& texts, std::int64_t now_us) {
  std::vector<std::string> lines;
  const TlsSettings& settings = texts.settings;
  const time_t now_s = now_us / 1'000'000;
  time_t soon_s = now_s + kSoonDays * kDayS;
  for (std::size_t i = 0; i < texts.pairs.size(); ++i) {
    const auto chain = certificates_of(texts.pairs[i].certificate);
    time_t at_s = now_s;
    const ASN1_TIME* const end = X509_get0_notAfter(chain.front().get());
    if (X509_cmp_time(end, &at_s) < 0) {
      lines.push_back("tls: " + settings.certificates[i] + ": has expired: clients will refuse it");
    } else if (X509_cmp_time(end, &soon_s) < 0) {
      lines.push_back("tls: " + settings.certificates[i] + ": expires within " + std::to_string(kSoonDays) + " days");
    }
    struct stat info{};
    if (::stat(settings.keys[i].c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0) {
      lines.push_back("tls: " + settings.keys[i] + ": can be read by every user of this machine: chmod o-r " +
                      settings.keys[i]);
    }
  }
  return lines;
}

}  // namespace ringcast::io
