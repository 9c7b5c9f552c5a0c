<?php
// Sends one month of statistics: EMALL_KEY=emk_... php send.php http://127.0.0.1:8000
// PHP 7.4 or later, without packages. Requests are idempotent.
$hub = $argv[1] ?? 'http://127.0.0.1:8000';
$statistics = [[
    'agency' => 'dukcapil', 'service' => 'ktp-el', 'channel' => 'counter', 'period' => '2024-03',
    'counters' => ['submitted' => 412, 'completed' => 398, 'rejected' => 3],
]];
$answer = file_get_contents("$hub/api/v1/usage/statistics", false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => ['Content-Type: application/json', 'Authorization: Bearer ' . getenv('EMALL_KEY')],
    'content' => json_encode(['statistics' => $statistics]),
    'ignore_errors' => true, // return the problem document of an error instead of failing
    'timeout' => 60,
]]));
echo $answer, PHP_EOL;
exit(strpos($http_response_header[0] ?? '', ' 200 ') ? 0 : 1);
