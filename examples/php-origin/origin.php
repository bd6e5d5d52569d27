<?php
// An origin that checks the session token itself. All it knows of the worker is where its public keys are.

declare(strict_types=1);

// Composer's, or that of a package of the system.
require is_file(__DIR__ . '/vendor/autoload.php') ? __DIR__ . '/vendor/autoload.php' : 'phpseclib3/autoload.php';

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Math\BigInteger;

/** Seconds after which the keys are fetched anew. */
const KEYS_KEPT = 300;
/** Seconds between two requests for keys, whatever tokens say and whatever the worker answers. */
const COOLDOWN = 30;
/** Seconds: no two clocks agree, and a token is used in the second it was signed. */
const TOLERANCE = 60;

$jwksUrl = getenv('JWKS_URL') ?: 'http://localhost:8787/auth/.well-known/jwks.json';
$issuer = str_replace('/.well-known/jwks.json', '', $jwksUrl);
$site = preg_replace('#^(https?://[^/]+).*$#', '$1', $jwksUrl);

/**
 * A folder that only this program can write to: whoever plants keys decides who is logged in. Not below /tmp by itself,
 * where everybody may have made one before us.
 */
function keyFolder(): string
{
    $folder = getenv('KEYS_DIR') ?: __DIR__ . '/.keys';
    if (!is_dir($folder)) {
        @mkdir($folder, 0700);
    }
    clearstatcache();
    $facts = @lstat($folder);
    $isFolder = $facts !== false && ($facts['mode'] & 0170000) === 0040000;
    if (!$isFolder || $facts['uid'] !== posix_geteuid() || ($facts['mode'] & 0022) !== 0) {
        error_log("$folder must be a folder that belongs to the user of PHP and that nobody else can write to: set KEYS_DIR");
        http_response_code(500);
        exit;
    }
    return $folder;
}

/** The keys by their names. Requests that come while one is fetching wait for it. */
function keys(string $url, string $kid): array
{
    $path = keyFolder() . '/' . hash('sha256', $url) . '.json';
    $file = fopen($path, 'c+');
    flock($file, LOCK_EX);
    $kept = json_decode((string) stream_get_contents($file), true);
    $kept = is_array($kept) ? $kept : ['asked' => 0, 'fetched' => 0, 'keys' => []];
    $now = time();
    // A clock that was put back must not keep us from asking.
    $waited = abs($now - $kept['asked']) > COOLDOWN;
    $wanted = !isset($kept['keys'][$kid]) || abs($now - $kept['fetched']) > KEYS_KEPT;
    if ($wanted && $waited) {
        $kept['asked'] = $now;
        $context = stream_context_create(['http' => ['timeout' => 5, 'follow_location' => 0]]);
        $set = json_decode((string) @file_get_contents($url, false, $context, 0, 65536), true);
        // The keys there are go on while the worker does not answer.
        if (is_array($set['keys'] ?? null)) {
            $kept['keys'] = array_column(array_filter($set['keys'], isUsable(...)), null, 'kid');
            $kept['fetched'] = $now;
        }
        ftruncate($file, 0);
        rewind($file);
        fwrite($file, json_encode($kept));
        fflush($file);
    }
    fclose($file);
    return $kept['keys'];
}

function isUsable(mixed $key): bool
{
    return is_array($key) && is_string($key['kid'] ?? null) && ($key['kty'] ?? '') === 'EC' && ($key['crv'] ?? '') === 'P-256';
}

function base64url(string $text): string
{
    return (string) base64_decode(strtr($text, '-_', '+/'));
}

/** The claims of a session token, or null. */
function verified(string $token, string $jwksUrl, string $issuer, string $site): ?array
{
    $parts = explode('.', $token);
    if (count($parts) !== 3 || strlen($token) > 8192) {
        return null;
    }
    $header = json_decode(base64url($parts[0]), true);
    if (!is_array($header) || ($header['alg'] ?? '') !== 'ES256' || ($header['typ'] ?? '') !== 'session+jwt'
        || isset($header['crit']) || !is_string($header['kid'] ?? null)) {
        return null;
    }
    $key = keys($jwksUrl, $header['kid'])[$header['kid']] ?? null;
    $signature = base64url($parts[2]);
    if ($key === null || strlen($signature) !== 64) {
        return null;
    }
    try {
        $public = PublicKeyLoader::loadPublicKey(json_encode(['keys' => [$key]]));
        // RFC 7518 section 3.4: the two numbers one after the other.
        [$r, $s] = array_map(fn (string $half) => new BigInteger($half, 256), str_split($signature, 32));
        $isGenuine = $public->withSignatureFormat('Raw')->withHash('sha256')->verify("$parts[0].$parts[1]", compact('r', 's'));
    } catch (Throwable) {
        return null;
    }
    $claims = json_decode(base64url($parts[1]), true);
    if (!$isGenuine || !is_array($claims)) {
        return null;
    }
    $now = time();
    $isComplete = is_int($claims['exp'] ?? null) && is_string($claims['sub'] ?? null) && is_string($claims['sid'] ?? null);
    return $isComplete
        && $claims['exp'] + TOLERANCE > $now
        && ($claims['iat'] ?? 0) - TOLERANCE <= $now
        && ($claims['nbf'] ?? 0) - TOLERANCE <= $now
        && ($claims['iss'] ?? null) === $issuer
        && ($claims['aud'] ?? null) === $site ? $claims : null;
}

/**
 * The cookies of one name, read from the header itself: PHP's own $_COOKIE turns dots and blanks of other names into
 * underscores, and keeps one of two. Browsers send two at most; more is somebody's attempt to keep us busy.
 */
function cookiesNamed(string $name, string $header): array
{
    $values = [];
    foreach (explode(';', $header) as $pair) {
        [$found, $value] = explode('=', trim($pair), 2) + [1 => ''];
        if ($found === $name) {
            $values[] = $value;
        }
    }
    return array_slice(array_unique($values), 0, 4);
}

/** Who is asking; null also where two sessions are sent, of which one must have been planted. */
function session(string $jwksUrl, string $issuer, string $site): ?array
{
    $sessions = [];
    // The cookie is __Secure-vipps-session where SESSION_COOKIE_DOMAIN is set.
    foreach (cookiesNamed('__Host-vipps-session', $_SERVER['HTTP_COOKIE'] ?? '') as $token) {
        $claims = verified($token, $jwksUrl, $issuer, $site);
        if ($claims !== null) {
            $sessions[$claims['sid']] = $claims;
        }
    }
    return count($sessions) === 1 ? reset($sessions) : null;
}

$session = session($jwksUrl, $issuer, $site);
http_response_code($session === null ? 401 : 200);
header('Content-Type: application/json');
header('Cache-Control: no-store');
echo json_encode($session === null
    ? ['error' => 'log in first']
    : ['account' => $session['sub'], 'name' => $session['name'] ?? null]);
