/**
 * The shapes of the REST interface, by their names in its OpenAPI document.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

/** What the server looks at. */
export type Status = Schemas['Status'];
/** What went wrong: a stable code, a sentence, and what to do next. */
export type Problem = Schemas['Problem'];
/** A model in a list. */
export type ModelSummary = Schemas['ModelSummary'];
/** A snapshot in a list. */
export type SnapshotSummary = Schemas['SnapshotSummary'];
/** Everything about one snapshot. */
export type SnapshotDetail = Schemas['SnapshotDetail'];
/** The notebook of a snapshot as it was executed. */
export type ExecutedNotebook = Schemas['ExecutedNotebook'];
/** A verdict in a list. */
export type VerdictSummary = Schemas['VerdictSummary'];
/** The word of a verdict. */
export type Level = VerdictSummary['level'];
/** Everything about one verdict. */
export type ReproductionDetail = Schemas['ReproductionDetail'];
/** How the metrics of a model went. */
export type MetricHistory = Schemas['MetricHistory'];
/** Where a snapshot comes from, and what came of it. */
export type SnapshotLineage = Schemas['SnapshotLineage'];
/** A picture of lineage. */
export type Drawing = Schemas['Drawing'];
/** A thing in a picture of lineage. */
export type DrawnBox = Schemas['DrawnBox'];
/** Two snapshots side by side, but for their notebooks. */
export type Comparison = Schemas['Comparison'];
/** Two notebooks side by side. */
export type NotebookComparison = Schemas['NotebookComparison'];
/** A table on both sides of a comparison. */
export type TableChange = Schemas['TableChange'];
/** A column on both sides of a comparison. */
export type ColumnChange = Schemas['ColumnChange'];
/** An image of a snapshot's saved notebook. */
export type Figure = Schemas['Figure'];
/** A job: what was asked for, how far it is, what came of it. */
export type Job = Schemas['Job'];
/** What a job is asked to do. */
export type JobRequest = Schemas['JobRequest'];
/** How a snapshot is to be trained again. */
export type ReproduceOptions = Schemas['ReproduceOptions'];
/** A piece of what a job printed. */
export type JobLog = Schemas['JobLog'];
/** A page of jobs. */
export type JobPage = Schemas['JobPage'];
/** Whether a notebook is still what was snapshotted. */
export type Badge = Schemas['Badge'];
/** Something that is missing from a snapshot. */
export type Hole = Schemas['Hole'];

/** A page of a list; `next` is the cursor of the following one. */
export interface IPage<T> {
  items: T[];
  next: string | null;
}
