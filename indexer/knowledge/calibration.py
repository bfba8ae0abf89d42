"""What is known of where "the documents do not say" begins, for the documents at hand: kept in `index_info`.

`indexer.search.calibrate` finds it, `Calibration.least` says what follows from it.
"""

import json
import math
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.knowledge.generations import is_current
from indexer.knowledge.tables import SWITCH, Change, Chunk, Document, IndexInfo

ABOVE_OFF_TOPIC = {0.01: 0.85, 0.02: 1.2, 0.05: 1.6, 0.1: 2.0, 0.2: 2.6}
"""False refusals wanted -> how many standard deviations above the mean of the off-topic questions an answerable one
has to lie: with it six question sets have .009, .018, .046, .095 and .195 on average, and of other sets' questions they
refuse .78, .86, .91, .95 and .98. One limit for all of them that has .05 on average refuses .86. Between them by the
logarithm."""
SHIPPED = (0.27, 0.083)
"""(mean, standard deviation) where nothing was calibrated: between those of contoso and handbook. Six sets have .23 to
.42 and .08 to .12."""
LEAST_CHUNKS = 30
"""A smaller corpus is not calibrated: of so few passages hardly one is near to anything."""
CHANGED_SHARE = 5
"""One document in this many, put or deleted since, calls for another calibration."""

NOTHING_FOUND = -0.99
"""Only where not one sentence was found is less answerable."""

OFF_TOPIC, LABELLED = "off_topic", "labelled"  # keys in index_info


@dataclass(frozen=True)
class Calibration:
    """How answerable questions seem to be: off-topic ones, and an operator's labelled ones where there are some."""

    mean: float = SHIPPED[0]
    deviation: float = SHIPPED[1]
    labelled: tuple[float, ...] = ()  # of answerable questions, ascending

    def least(self, false_refusals: float) -> float:
        """The answerability below which a question is refused, so that about this share of answerable ones are.

        0: only where not one sentence was found.
        """
        if not false_refusals:
            return NOTHING_FOUND
        if self.labelled:
            return max(float(np.quantile(self.labelled, false_refusals)), NOTHING_FOUND)
        rates = [math.log(rate) for rate in ABOVE_OFF_TOPIC]
        above = np.interp(math.log(false_refusals), rates, list(ABOVE_OFF_TOPIC.values()))
        return max(self.mean + float(above) * self.deviation, NOTHING_FOUND)


def read_calibration(engine: Engine) -> Calibration:
    """What was found last, or what is shipped."""
    with Session(engine) as session:
        rows = session.exec(select(IndexInfo).where(col(IndexInfo.key).in_([OFF_TOPIC, LABELLED]))).all()
    stored = {row.key: json.loads(row.value) for row in rows}
    mean, deviation, _ = stored.get(OFF_TOPIC, (*SHIPPED, 0))
    return Calibration(mean, deviation, tuple(stored.get(LABELLED, ())))


def keep_off_topic(engine: Engine, mean: float, deviation: float, change: int) -> None:
    """`change`: the last one that the search had taken up when this was found."""
    _keep(engine, OFF_TOPIC, [mean, deviation, change])


def keep_labelled(engine: Engine, answerabilities: list[float]) -> None:
    """Of labelled answerable questions. With none the calibration without labels holds again."""
    _keep(engine, LABELLED, sorted(answerabilities))


def forget(session: Session) -> None:
    """Part of a transaction after which other vectors hold; whoever calls it commits."""
    for key in (OFF_TOPIC, LABELLED):
        if stored := session.get(IndexInfo, key):
            session.delete(stored)


def is_due(engine: Engine) -> bool:
    """Whether so many documents are new that they have to be calibrated."""
    with Session(engine) as session:
        readable = select(Chunk.id).join(Document).where(col(Document.deleted_at).is_(None), is_current())
        if len(session.exec(readable.limit(LEAST_CHUNKS)).all()) < LEAST_CHUNKS:
            return False
        stored = session.get(IndexInfo, OFF_TOPIC)
        if stored is None:
            return True
        *_, since = json.loads(stored.value)
        switched = select(Change.id).where(col(Change.id) > since, Change.operation == SWITCH)
        if session.exec(switched.limit(1)).first() is not None:
            return True  # what was found with the model before came after the switch
        changed = session.exec(
            select(func.count(func.distinct(Change.document_id))).where(col(Change.id) > since)
        ).one()
        documents = session.exec(select(func.count(col(Document.id)))).one()
    return changed * CHANGED_SHARE > documents


def _keep(engine: Engine, key: str, value: list[float]) -> None:
    with Session(engine) as session:
        session.merge(IndexInfo(key=key, value=json.dumps(value)))
        session.commit()
