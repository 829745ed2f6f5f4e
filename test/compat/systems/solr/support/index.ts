export {
  ROOT,
  SolrCloud,
  type SolrNode,
  type SolrShards,
  shardsOf,
  wholeAgain,
} from './solr-cloud.ts'
export { type SolrWorld, withSolr } from './with-solr.ts'
