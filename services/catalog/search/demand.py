"""What people ask for and no service gives: words, counted by the days on which they were asked.

Nothing of a person is stored, not even that two searches were of one: a word counts once on a day.
It is shown when it was asked on so many days that no single visit shows, and deleted with its month
otherwise. What a flood of made-up words causes is bounded: new words have a limit for each day, so
that those of other days and the words that are known already still count.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import text

from services.catalog.search.demand_limits import LEAST_DAYS
from services.catalog.search.index import Found
from services.platform.database import Database
from services.platform.jobs import PeriodicJob
from services.platform.local_time import LocalTime

NEW_WORDS_A_DAY = 100
"""Words that a day may add to its month."""
MOST_WAITING = 2_000
"""Words that wait in memory at most; they are stored every minute."""
MONTHS_KEPT = 24
LENGTHS = range(3, 25)
"""Letters of a word that is counted; words with digits could be the number of a person."""
STORE_EVERY = timedelta(minutes=1)

COUNT_DAY = """
-- Counts a day for words that the month has already, and adds new ones as far as the day may.
WITH asked AS (SELECT DISTINCT unnest(CAST(:words AS text[])) AS word),
counted AS (
    UPDATE catalog.search_demand d SET days = days + 1, last_day = :day
    FROM asked
    WHERE d.region = :region AND d.month = :month AND d.word = asked.word AND d.last_day < :day
)
INSERT INTO catalog.search_demand (region, month, word, days, first_day, last_day)
SELECT :region, :month, word, 1, :day, :day
FROM asked
WHERE NOT EXISTS (
    SELECT FROM catalog.search_demand d
    WHERE d.region = :region AND d.month = :month AND d.word = asked.word
)
ORDER BY random()
LIMIT greatest(0, :most - (
    SELECT count(*) FROM catalog.search_demand
    WHERE region = :region AND month = :month AND first_day = :day
))
ON CONFLICT DO NOTHING
"""

DELETE_OLD = """
-- Deletes months that are over as far as their words are not shown, and old ones as a whole.
DELETE FROM catalog.search_demand
WHERE region = :region AND (month < :oldest OR (month < :month AND days < :least_days))
"""

DEMAND = """
-- The words of a month that were asked for on enough days, the most frequent first.
SELECT word, days FROM catalog.search_demand
WHERE region = :region AND month = :month AND days >= :least_days
ORDER BY days DESC, word
LIMIT :limit
"""


def absent_words(found: Found) -> set[str]:
    """Return the words of a search that tell what no service gives.

    These are the words that no service has if none fits well, and all words if there is no hit.
    """
    if found.total and found.nearest is None:
        return set()
    words = found.unknown or (() if found.total else found.asked)
    return {
        word for part in words for word in part.split() if word.isalpha() and len(word) in LENGTHS
    }


class SearchDemand:
    """Gathers words in memory; a job stores them."""

    def __init__(self, database: Database, region: str, local_time: LocalTime) -> None:
        self._database = database
        self._region = region
        self._local_time = local_time
        self._waiting: set[str] = set()
        self._stored: set[str] = set()
        """Words that were stored on `_day`."""
        self._day: date | None = None

    def add(self, words: Iterable[str]) -> None:
        """Count words for today."""
        for word in words:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.add(word)

    def create_job(self) -> PeriodicJob:
        """Return the job that stores the words."""
        return PeriodicJob(
            "store-search-demand",
            self.store_now,
            database=self._database,
            region=self._region,
            every=STORE_EVERY,
            on_stop=self.store_now,
        )

    async def store_now(self) -> None:
        """Store the words that wait, as of today."""
        await self.store(self._local_time.now().date())

    async def store(self, day: date) -> None:
        """Store the words that wait as asked for on a day, and delete what is no longer kept."""
        if day != self._day:
            await self._delete_old(day)
            self._day, self._stored = day, set()
        words, self._waiting = self._waiting - self._stored, set()
        if not words:
            return
        try:
            async with self._database.write_session() as session:
                await session.execute(
                    text(COUNT_DAY),
                    {
                        "region": self._region,
                        "month": day.replace(day=1),
                        "day": day,
                        "words": sorted(words),
                        "most": NEW_WORDS_A_DAY,
                    },
                )
        except BaseException:
            self.add(words)
            raise
        if len(self._stored) < MOST_WAITING:
            self._stored |= words

    async def _delete_old(self, day: date) -> None:
        month = day.replace(day=1)
        months = month.year * 12 + month.month - 1 - MONTHS_KEPT
        async with self._database.write_session() as session:
            await session.execute(
                text(DELETE_OLD),
                {
                    "region": self._region,
                    "month": month,
                    "oldest": date(months // 12, months % 12 + 1, 1),
                    "least_days": LEAST_DAYS,
                },
            )
