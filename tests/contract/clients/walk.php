<?php
// From the index to its evidence, with the client that OpenAPI Generator writes.
declare(strict_types=1);

[, $client, $address, $key] = $argv;
require '/usr/share/php/GuzzleHttp/autoload.php';
spl_autoload_register(function (string $name) use ($client): void {
    $file = $client . '/lib/' . strtr(substr($name, strlen('Emall\\')), '\\', '/') . '.php';
    if (str_starts_with($name, 'Emall\\') && is_file($file)) {
        require $file;
    }
});

function check(bool $holds, string $what): void
{
    if (!$holds) {
        throw new RuntimeException($what);
    }
}

$anybody = (new Emall\Configuration())->setHost($address);
$evaluator = (new Emall\Configuration())->setHost($address)->setAccessToken($key);
$http = new GuzzleHttp\Client();
$metrics = new Emall\Api\MetricsApi($http, $anybody);
$evidence = new Emall\Api\EvidenceApi($http, $anybody);
$catalog = new Emall\Api\CatalogApi($http, $anybody);

$ids = array_map(fn ($method) => $method->getId(), $metrics->listMethods()->getItems());
check(in_array('cgr-2015', $ids, true), 'the method is listed');
$definition = $metrics->getMethod('cgr-2015')->getDefinition();
check($definition->getKind() === 'collaboration', 'the definition has its kind');
check(count($definition->getDrivers()) === 4, 'four drivers');
$measure = $definition->getDrivers()[0]->getIndicators()[0]->getMeasure();
check($measure->getKind() === 'first_of', 'a measure has its kind');

$live = $metrics->getCollaborationDynamics(period: 2024);
check(count($live->getScores()->getDimensions()) === 3, 'three dimensions');
foreach ($live->getScores()->getDrivers() as $driver) {
    check($driver->getNameEn() !== '', 'a driver has a name');
}

$wanted = new Emall\Model\AssessmentRequest(['period' => 2024]);
$stored = (new Emall\Api\MetricsApi($http, $evaluator))->postAssessment($wanted);
check($stored->getEvidenceHash() === $live->getEvidenceHash(), 'the same evidence was read');
$nodes = $metrics->listScores($stored->getId())->getItems();
$valued = array_values(array_filter(
    $nodes,
    fn ($node) => str_contains($node->getCode(), '.') && $node->getValue() !== null,
))[0];
$score = $metrics->getScore($stored->getId(), $valued->getCode());
check($score->getNode()->getValue() === $valued->getValue(), 'a score is the same by itself');
$items = $metrics->listAssessmentEvidence($stored->getId())->getItems();
$record = array_values(array_filter($items, fn ($item) => $item->getKind() === 'observations'))[0];
$id = basename(parse_url($record->getHref(), PHP_URL_PATH));
$found = $evidence->getObservation($id, version: $record->getVersion());
check($found->getContent()->getKey() === $record->getKey(), 'the record is the one that was read');
$source = $catalog->getSource($found->getSources()[0]->getId());
check($source->getTitle() === $found->getSources()[0]->getTitle(), 'the source is the cited one');

$usage = new Emall\Api\UsageApi($http, $evaluator);
$receipt = $usage->postUsageStatistics(new Emall\Model\StatisticBatch(['statistics' => [
    new Emall\Model\Statistic([
        'agency' => 'dukcapil', 'service' => 'ktp-el', 'channel' => 'counter',
        'period' => '2024-03', 'counters' => new Emall\Model\Counters(['submitted' => 412]),
        'reason' => 'counted again',
    ]),
]]));
check($receipt instanceof Emall\Model\StatisticsReceipt, 'statistics have a receipt');

try {
    $metrics->getMethod('nothing');
    check(false, 'an unknown method is an error');
} catch (Emall\ApiException $error) {
    $problem = $error->getResponseObject();
    check($problem instanceof Emall\Model\Problem, 'an error is a problem');
    check($error->getCode() === 404 && $problem->getStatus() === 404, 'with its status');
}
echo "ok\n";
