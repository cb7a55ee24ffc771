"""What predictions cost: learning with proof and scoring, the nightly scoring, one customer; lifetimes beside them."""

import warnings
from functools import partial

from tests.bench.measuring import Timing, in_turn, timed, timed_process
from tests.bench.segmentation import clock

HERE = "tests.bench.predictions"
CUSTOMERS = 200
WINDOWS = 3


def everything() -> None:
    """Read, fit all models, prove them on three days of the past, score everybody; one thread, nothing stored."""
    from threadpoolctl import threadpool_limits

    from accounts.models import Shop
    from predictions.histories import kept_share, lifetime_values, occasions
    from predictions.maths.backtest import backtest
    from predictions.maths.scoring import fit, past_of, score
    from predictions.runs import local_day

    as_of = clock()
    today = local_day(as_of)
    with threadpool_limits(1):
        everybody, kept = occasions(as_of), kept_share(as_of)
        worth = lifetime_values(everybody, as_of)
        churn_days = Shop.current().churn_days
        past = past_of(everybody, today)
        model = fit(everybody, today, horizons=(churn_days,), kept_share=kept, historic_value=worth, past=past)
        backtest(everybody, today, cutoffs=WINDOWS, kept_share=kept, past=past)
        score(model, everybody, today)


def learn() -> None:
    """A fit and a first scoring, stored: what the nightly one finds."""
    from predictions.runs import predict_everyone

    predict_everyone(clock(), refit=True)


def nightly() -> None:
    """Read, score and store everybody with the models that are there."""
    from predictions.runs import predict_everyone

    predict_everyone(clock())


def lifetimes() -> None:
    """Read, and fit a plain BG/NBD with Gamma-Gamma by the library lifetimes to the same customers, in days."""
    from threadpoolctl import threadpool_limits

    from predictions.histories import occasions
    from predictions.maths.churn_features import population_gap, rhythm
    from predictions.runs import local_day

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter, GammaGammaFitter

        as_of = clock()
        everybody, today = occasions(as_of), local_day(as_of)
        known = rhythm(everybody, today, population_gap(everybody, today))
        BetaGeoFitter(penalizer_coef=0.001).fit(known.repeats, known.last, known.age)
        again = (known.repeats > 0) & (known.mean_value > 0)
        GammaGammaFitter(penalizer_coef=0.001).fit(known.repeats[again], known.mean_value[again])


def measure(url: str, rounds: int) -> dict[str, Timing]:
    """The three whole-shop ones beside each other, in turn, after a fit that is not counted."""
    timed_process(f"{HERE}:learn", url=url)
    names = ("lifetimes", "everything", "nightly")
    return in_turn({name: partial(timed_process, f"{HERE}:{name}", url=url) for name in names}, rounds)


def measure_one_customer() -> Timing:
    """Seconds of each of some customers scored and stored in this process; Django must be set up, the shop scored."""
    from predictions.models import Prediction
    from predictions.runs import predict_customer

    as_of = clock()
    everybody = Prediction.objects.order_by("customer_id").values_list("customer_id", flat=True)
    pks = list(everybody[:: max(everybody.count() // CUSTOMERS, 1)][:CUSTOMERS])
    predict_customer(pks[0], as_of)  # the first one loads libraries and the model
    return Timing([timed(lambda pk=pk: predict_customer(pk, as_of)).seconds[0] for pk in pks])
