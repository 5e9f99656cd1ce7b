/** Starts a consumer for one partition, asynchronously: a Lambda invocation, or a task in the same process. */
export interface ConsumerInvoker {
  /** Resolves once the request is accepted, not when the consumer ends. */
  invoke(pipeline: string, partition: number, deadline: number): Promise<void>;
}
