<?php
// An origin that checks the session token itself. All it knows of the worker is where its public keys are.

declare(strict_types=1);

require __DIR__ . '/vendor/autoload.php';

use Firebase\JWT\JWK;
use Firebase\JWT\JWT;

$jwksUrl = getenv('JWKS_URL') ?: 'http://localhost:8787/auth/.well-known/jwks.json';
$issuer = str_replace('/.well-known/jwks.json', '', $jwksUrl);
$site = preg_replace('#^(https?://[^/]+).*$#', '$1', $jwksUrl);

/** The key set, kept for five minutes; fetched anew at once when a token names a key that is not in it. */
function keySet(string $url, string $kid): array
{
    $file = sys_get_temp_dir() . '/vipps-session-' . md5($url) . '.json';
    $fresh = is_file($file) && filemtime($file) > time() - 300;
    $set = $fresh ? json_decode((string) file_get_contents($file), true) : null;
    if ($set === null || !in_array($kid, array_column($set['keys'], 'kid'), true)) {
        $text = file_get_contents($url, false, stream_context_create(['http' => ['timeout' => 5]]));
        $set = json_decode((string) $text, true, 512, JSON_THROW_ON_ERROR);
        file_put_contents($file, $text, LOCK_EX);
    }
    return $set;
}

/** Who is asking, or null. The cookie is __Secure-vipps-session where SESSION_COOKIE_DOMAIN is set. */
function session(string $jwksUrl, string $issuer, string $site): ?stdClass
{
    $token = $_COOKIE['__Host-vipps-session'] ?? '';
    try {
        $header = json_decode(JWT::urlsafeB64Decode(explode('.', $token)[0]), true) ?? [];
        if (($header['typ'] ?? '') !== 'session+jwt') {
            return null;
        }
        $keys = JWK::parseKeySet(keySet($jwksUrl, (string) ($header['kid'] ?? '')), 'ES256');
        $claims = JWT::decode($token, $keys); // signature, alg, exp
    } catch (Throwable) {
        return null;
    }
    $complete = isset($claims->exp, $claims->sub, $claims->sid);
    return $complete && ($claims->iss ?? '') === $issuer && ($claims->aud ?? '') === $site ? $claims : null;
}

$session = session($jwksUrl, $issuer, $site);
http_response_code($session === null ? 401 : 200);
header('Content-Type: application/json');
header('Cache-Control: no-store');
echo json_encode($session === null
    ? ['error' => 'log in first']
    : ['account' => $session->sub, 'name' => $session->name ?? null]);
