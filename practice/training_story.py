"""Training's part of the story: a model on spot capacity that is taken away once, judged, and registered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from practice import spot_drill
from practice.console import lines, say, show, styled
from practice.sandbox import Sandbox
from practice.training import (
    Evaluation,
    TrainingRun,
    evaluation,
    fetch_report,
    has_step,
    metrics_table,
    require_succeeded,
    start,
)
from practice.training_progress import follow


@dataclass(frozen=True)
class TrainingStory:
    """How the run went, and what it left."""

    run: TrainingRun
    drill: spot_drill.Drill | None
    """The interruption; a pipeline that tunes has no single training job to interrupt."""
    evaluation: Evaluation
    report: Path

    def show(self) -> None:
        """Show what the interruption cost, the model beside its baselines, and where its report lies."""
        if self.drill:
            show("Spot training, interrupted once on purpose", spot_drill.costs(self.drill))
        found = self.evaluation
        show(
            "Who will not buy again within 90 days",
            metrics_table(found),
            f"AUC {found.margin:+.3f} to the best baseline, {found.best_baseline.replace('_', ' ')}",
        )
        if self.run.model_package:
            say("Registered, and waiting for approval:", styled(self.run.model_package, "bold"), soft_wrap=True)
        else:
            say(styled("Not registered.", "yellow"), lines(self.run.reason), soft_wrap=True)
        say("The report:", styled(str(self.report), "bold"), soft_wrap=True)


def tell_training_story(sandbox: Sandbox, directory: Path) -> TrainingStory:
    """Run the training pipeline, and take the machine away while it trains; one that tunes runs undisturbed."""
    drill = spot_drill.drill(sandbox, kill=False) if has_step(sandbox, "Train") else None
    run = drill.run if drill else follow(sandbox, start(sandbox, {}))
    if not run.step("GoodEnough"):
        require_succeeded(run)
    return TrainingStory(run, drill, evaluation(sandbox, run), fetch_report(sandbox, run, directory))
